"""The compose file and its services, for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.composed import Composed, Config, administrate, rendered


@pytest.fixture(scope="module")
def config() -> Config:
    """The compose file as docker-compose understands it, GPU included."""
    return rendered()


@pytest.fixture
def composed(config: Config, postgres_url: str, tmp_path: Path) -> Iterator[Composed]:
    """Redis and PostgreSQL as the compose file sets them up; the parts are not started."""
    name = config["services"]["postgres"]["environment"]["POSTGRES_DB"]
    made = Composed(config, tmp_path, postgres_url)
    administrate(postgres_url, f'CREATE DATABASE "{name}"')
    try:
        made.start_redis()
        yield made
    finally:
        made.close()
        administrate(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')
