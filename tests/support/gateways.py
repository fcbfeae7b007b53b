"""A gateway alone, as a real process: without workers, so it serves no model."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

import migrations
from api.local.embedded import free_port
from models.process.processes import spawn
from tests.support.servers import Valkey, wait_for


class Lone:
    """A gateway at ``url``, whose log is the file ``log``."""

    def __init__(self, port: int, pid: int, log: Path) -> None:
        self.port = port
        self.pid = pid
        self.url = f"http://127.0.0.1:{port}"
        self._log = log

    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text(errors="replace")


@contextlib.contextmanager
def gateway(
    valkey: Valkey, folder: Path, env: Mapping[str, str] | None = None, *, descriptors: int = 0
) -> Iterator[Lone]:
    """A running gateway with these variables; ``descriptors``: its hard limit, twice its soft one."""
    folder.mkdir(exist_ok=True)
    database = f"sqlite:///{folder / 'test.db'}"
    migrations.upgrade(database)
    port = free_port()
    mine = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    mine |= {"HEADRACE_HOME": str(folder), "HEADRACE_PORT": str(port), "HEADRACE_SECRET_KEY": "0" * 32}
    mine |= {"HEADRACE_REDIS_URL": valkey.url, "HEADRACE_DATABASE_URL": database, **(env or {})}
    limited = f'ulimit -S -n {descriptors // 2} && ulimit -H -n {descriptors} && exec "$@"'
    limit = ["sh", "-c", limited, "sh"] if descriptors else []
    with (folder / "log").open("ab") as log:
        process = spawn([*limit, sys.executable, "-P", "-m", "api.app"], env=mine, stdout=log, stderr=log)
    lone = Lone(port, process.pid, folder / "log")
    try:
        wait_for(lambda: _answers(lone), 60, lone.log)
        yield lone
    finally:
        process.terminate()
        process.wait(60)


def _answers(lone: Lone) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{lone.url}/healthz").status_code == httpx.codes.OK
    return False
