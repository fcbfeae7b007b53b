"""Fixtures of the end-to-end tests: one stack for all that leave it as it was, a fresh one for those that break it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.media.studio import Studio
from tests.e2e.sites import Site
from tests.e2e.stack import Stack

StackFactory = Callable[..., Stack]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running Headrace with the echo model under the uid ``echo``. Shared: leave it as you found it."""
    shared = Stack(tmp_path_factory.mktemp("shared") / "home")
    try:
        shared.start()
        shared.launch_echo("echo")
        yield shared
    finally:
        shared.close()


@pytest.fixture
def new_stack(tmp_path: Path) -> Iterator[StackFactory]:
    """Makes a running Headrace of the test's own: ``new_stack("--verbose", HEADRACE_DRAIN_S="2")``."""
    made: list[Stack] = []

    def make(*arguments: str, demo: bool = False, **env: str) -> Stack:
        made.append(Stack(tmp_path / f"home{len(made)}", *arguments, demo=demo, **env))
        return made[-1].start()

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A running Headrace with ``glyphs``, ``whisper``, ``hibari`` and ``echo``, behind an API key. Shared, too."""
    shared = Studio(tmp_path_factory.mktemp("studio") / "home")
    try:
        shared.start()
        shared.launch()
        yield shared
    finally:
        shared.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running Headrace for files and batches, behind two keys, with ``echo``. Shared; its parts may be killed."""
    shared = Site(tmp_path_factory.mktemp("site") / "home")
    try:
        shared.start()
        shared.launch_echo(step_ms=10, max_inflight=64)
        yield shared
    finally:
        shared.close()
