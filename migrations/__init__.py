"""Alembic's migrations, and ``upgrade``, which brings a database to the newest of them."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def config(url: str) -> Config:
    """Alembic's configuration for this database."""
    found = Config(str(Path(__file__).parent / "alembic.ini"))
    found.set_main_option("script_location", str(Path(__file__).parent))
    found.attributes["url"] = url
    return found


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database up to this revision. Safe to call from several processes at once."""
    command.upgrade(config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database back to this revision; "base" is the empty one."""
    command.downgrade(config(url), revision)


def check(url: str) -> None:
    """Raise if the tables in code and the database differ."""
    command.check(config(url))
