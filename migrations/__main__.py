"""``python -m migrations upgrade | downgrade REVISION | check | revision MESSAGE``, on the configured database."""

import sys

from alembic import command

from migrations import check, config, downgrade, upgrade
from models.settings import Settings


def main() -> None:
    """Run the command that the arguments name."""
    settings = Settings()
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    match sys.argv[1:]:
        case [] | ["upgrade"]:
            upgrade(settings.database)
        case ["downgrade", revision]:
            downgrade(settings.database, revision)
        case ["check"]:
            check(settings.database)
        case ["revision", message]:
            command.revision(config(settings.database), message, autogenerate=True)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
