"""Fixtures for all tests: a real Redis-compatible server, and the databases that Headrace runs on."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two threads under load are several times slower than one
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["HF_HUB_CACHE"] = "/nonexistent/hub"  # what this machine has cached must not matter

import secrets
import signal
import tempfile
from collections.abc import Iterator
from itertools import groupby, zip_longest
from pathlib import Path

import pytest

import migrations
from models.rows.database import Database
from tests.support import nvml
from tests.support.nvml import FakeNvml
from tests.support.s3 import S3, s3
from tests.support.servers import Postgres, Valkey
from workers.engines.accelerator.torchvision_build import make_importable

make_importable()  # for tests that import transformers before any engine does


def pytest_configure(config: pytest.Config) -> None:
    """What libraries and killed processes leave behind goes with us. The tests' own folders stay, for a look."""
    for plugin in ("skips", "memory"):
        config.pluginmanager.import_plugin(f"tests.support.plugins.{plugin}")
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    litter = tempfile.TemporaryDirectory(prefix="headrace-", ignore_cleanup_errors=True)  # short: sockets are in it
    os.environ["TMPDIR"] = tempfile.tempdir = litter.name
    config.add_cleanup(litter.cleanup)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # children would inherit that a shell ignores it
    # The same values every time: what fails can be run again. To look for more: --hypothesis-profile=default
    if config.pluginmanager.hasplugin("hypothesispytest") and not config.getoption("hypothesis_profile"):
        from hypothesis import settings  # which vLLM's environment lacks

        settings.register_profile("repeatable", derandomize=True, deadline=None)  # a busy machine breaks a deadline
        settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let files that compute take turns with files that wait: processes of xdist take them in this order."""
    folders = [str(item.path.relative_to(item.config.rootpath / "tests")).split("/")[0] for item in items]
    waiting = [item for item, folder in zip(items, folders, strict=True) if folder in ("e2e", "clients")]
    computing = [item for item, folder in zip(items, folders, strict=True) if folder in ("engines", "families")]
    others = [item for item in items if item not in {*waiting, *computing}]
    files = (
        [list(group) for _, group in groupby(waiting, _file)],
        [list(group) for _, group in groupby(computing, _file)],
    )
    items[:] = [item for pair in zip_longest(*files, fillvalue=()) for file in pair for item in file] + others


def _file(item: pytest.Item) -> Path:
    return item.path


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A server that every test of the session may use; tests that stop one start their own."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> str:
    """The URL of its database, which may hold what an earlier test left."""
    return postgres_server.url()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, on each of the two that we support."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    url: str = request.getfixturevalue("postgres_url")
    migrations.downgrade(url, "base")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database."""
    migrations.upgrade(database_url)
    found = Database(database_url)
    yield found
    found.close()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An S3-compatible server. Skipped where its wheel is not installed; a failure in CI."""
    try:
        with s3(tmp_path_factory.mktemp("s3")) as server:
            yield server
    except FileNotFoundError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(params=["folder", "bucket"])
def artifacts_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty artifact store, of each of the two kinds."""
    if request.param == "folder":
        return (tmp_path / "artifacts").as_uri()
    server: S3 = request.getfixturevalue("s3_server")
    return server.url(f"some/{secrets.token_hex(8)}")


@pytest.fixture
def private_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A server of the test's own, to be stopped and started."""
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the stub of NVML. Skipped where it cannot be built or used; a failure in CI."""
    try:
        return nvml.build(tmp_path_factory.mktemp("nvml"))
    except FileNotFoundError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture
def fake_nvml(nvml_library: Path, tmp_path: Path) -> FakeNvml:
    """NVML without a GPU, for processes that get its ``environment``."""
    return FakeNvml(tmp_path, nvml_library)
