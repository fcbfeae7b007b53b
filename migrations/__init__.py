"""Alembic's migrations, and functions that run them. Runs in a process of its own, ``python -m migrations``.

Door: ``upgrade``, which brings a database to the newest schema.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config


def config(url: str) -> Config:
    """Alembic's configuration for this database."""
    settings = Config(str(Path(__file__).parent / "alembic.ini"))
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.attributes["url"] = url
    return settings


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database up to this revision. Safe to call from several processes at once."""
    command.upgrade(config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database back to this revision; "base" is the empty one."""
    command.downgrade(config(url), revision)


def check(url: str) -> None:
    """Raise if the tables in ``models.rows.tables`` and those of the database differ."""
    command.check(config(url))
