"""The compose file and its services, for the tests of this folder."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.composed import SECRETS, Composed, Config, administrate, compose


@pytest.fixture(scope="module")
def config() -> Config:
    """The compose file as docker-compose understands it, GPU included."""
    rendered = compose("--profile", "gpu", "config", "--format", "json", **SECRETS)
    assert rendered.returncode == 0, rendered.stderr
    found: Config = json.loads(rendered.stdout)
    return found


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
