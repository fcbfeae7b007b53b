"""Real servers for tests: Valkey from its wheel, PostgreSQL from the machine. Each cleans up after itself."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from api.local.embedded import binary
from models import broker


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Valkey:
    """One server, that can be stopped and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start empty, and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [str(binary()), *options, "--dir", str(self._folder)], stdout=subprocess.DEVNULL
        )
        wait_for(self._answers, "Valkey")

    def stop(self) -> None:
        """Stop; what it held is gone."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def client(self) -> "redis.Redis":
        """A connection of one's own."""
        return broker.asking(self.url)

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), self.client() as client:
            return bool(client.ping())
        return False


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL of its own; the SQLAlchemy URL of an empty database. Raises FileNotFoundError without one."""
    bin_ = _postgres_bin()
    port = free_port()
    data = folder / "data"
    data.mkdir()
    as_user: list[str] = []
    if os.getuid() == 0:  # it refuses to run as root
        shutil.chown(data, "nobody")
        folder.chmod(0o755)
        for parent in folder.parents:
            if parent.owner() == "root" and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o011)
        as_user = ["setpriv", f"--reuid={pwd.getpwnam('nobody').pw_uid}", "--clear-groups"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    initdb = [*as_user, str(bin_ / "initdb"), "-D", str(data), "-U", "headrace", "--auth=trust", "--no-sync"]
    subprocess.run(initdb, check=True, cwd="/", **quiet)  # type: ignore[call-overload]
    server = subprocess.Popen(
        [
            *(*as_user, str(bin_ / "postgres"), "-D", str(data), "-p", str(port)),
            *("-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
        ],
        cwd="/",
        **quiet,  # type: ignore[call-overload]
    )
    try:
        ready = [str(bin_ / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-q"]
        wait_for(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL")
        yield f"postgresql+psycopg://headrace@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # its fast shutdown, which does not wait for clients
        server.wait(20)


def wait_for(condition: object, what: str, seconds: float = 20) -> None:
    """Poll until it holds. Raises TimeoutError naming ``what``."""
    over = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > over:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def _postgres_bin() -> Path:
    found = shutil.which("postgres")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places += [Path(found).resolve().parent] if found else []
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise FileNotFoundError(f"no PostgreSQL server on {sys.platform}")
