"""Jobs under every order of events: the state machine of ``tests.job_machine``, on both databases."""

from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

import migrations
from models.rows.database import Database
from tests.models.rows.job_machine import Jobs
from tests.models.rows.job_model import ENOUGH

MOST_ROUNDS = 8
"""What is drawn depends on all modules that are loaded, so that it may take another round until all has been seen."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One migrated database for all examples of this file; each empties it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('states') / 'test.db'}"
    else:
        server: str = request.getfixturevalue("postgres_server").url()
        with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("CREATE DATABASE states")
        url = server.rsplit("/", 1)[0] + "/states"
    migrations.upgrade(url)
    found = Database(url)
    yield found
    found.close()


def test_jobs_move_as_they_should(shared: Database) -> None:
    ways: Counter[str] = Counter()
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    examples = settings(max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=checks)
    for number in range(MOST_ROUNDS):
        machine = seed(number)(type("Bound", (Jobs,), {"database": shared, "ways": ways}))
        run_state_machine_as_test(machine, settings=examples)
        if number and not missing(ways):
            break
    assert missing(ways) == {}, "it has become hollow"


def missing(ways: Counter[str]) -> dict[str, int]:
    """The ways that were seen too seldom, and how often."""
    return {way: ways[way] for way, least in ENOUGH.items() if ways[way] < least}
