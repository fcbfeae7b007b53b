"""A whole Headrace as a real process: what the end-to-end tests talk to, kill, and stop."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import psutil
import redis

from api.client import Client
from api.local.embedded import free_port
from models.process.processes import spawn
from tests.support.servers import wait_for

SERVES = "Headrace serves http"
READY_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 45.0
ROLES = {
    "api.app": "gateway",
    "workers.device": "worker",
    "workers.steward": "steward",
    "workers.runner": "runner",
    "valkey-server": "redis",
    "redis-server": "redis",
}


class Stack:
    """``headrace up`` on a free port and a home of its own, without the demo unless asked.

    ``env`` is added to its environment. ``devices``: those that ``--device`` names; none: all of the machine.
    """

    def __init__(
        self, home: Path, *arguments: str, demo: bool = False, devices: Sequence[str] = ("cpu",), **env: str
    ) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = Client(self.url, env.get("HEADRACE_ADMIN_KEY") or env.get("HEADRACE_API_KEY", ""))
        named = [word for device in devices for word in ("--device", device)]
        self._arguments = (*named, *(() if demo else ("--no-demo",)), *arguments)
        self._env = {**clean_environment(), **env}
        self._output = home.with_name(f"{home.name}.output")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it says that it serves: then ``/readyz`` has answered 200."""
        earlier = self.output().count(SERVES)

        def serves() -> bool:
            return self.is_ready() and self.output().count(SERVES) > earlier

        self.spawn()
        wait_for(serves, READY_TIMEOUT_S, lambda: f"not ready:\n{self.output()}\n{self.logs()}")
        return self

    def spawn(self) -> None:
        """Start it. It dies with the test run, should that be killed."""
        command = [sys.executable, "-P", "-m", "api.cli", "up"]
        command += ["--port", str(self.port), "--home", str(self.home), *self._arguments]
        with open(self._output, "ab") as output:
            self._process = spawn(command, env=self._env, stdout=output, stderr=subprocess.STDOUT)

    def is_ready(self) -> bool:
        """Whether requests can be served now."""
        assert self.alive(), f"it ended:\n{self.output()}\n{self.logs()}"
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == httpx.codes.OK
        return False

    def alive(self) -> bool:
        """Whether the supervisor runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The supervisor's pid."""
        assert self._process is not None
        return self._process.pid

    def pids(self) -> dict[str, list[int]]:
        """The living processes under the supervisor by role: gateway, worker, steward, redis, runner."""
        found: dict[str, list[int]] = {role: [] for role in ROLES.values()}
        for process in self.tree():
            with contextlib.suppress(psutil.Error):
                words = {*process.cmdline(), process.name()}
                for role in {ROLES[word] for word in words & ROLES.keys()}:
                    found[role].append(process.pid)
        return found

    def kill(self, role: str) -> int:
        """``kill -9`` the only process of this role (or "supervisor"); its pid."""
        [pid] = [self.pid] if role == "supervisor" else self.pids()[role]
        os.kill(pid, signal.SIGKILL)
        if role == "supervisor" and self._process:
            self._process.wait(5)
        return pid

    def kill_all(self) -> None:
        """``kill -9`` every process at once, as a power cut does."""
        for process in [*self.tree()][::-1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.kill("supervisor")

    def tree(self) -> list[psutil.Process]:
        """Every process under the supervisor."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.pid).children(recursive=True)) if self.alive() else []
        return []

    def survivors(self) -> list[psutil.Process]:
        """Every living process of this home, wherever it hangs in the tree."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                mine = process.environ().get("HEADRACE_HOME") == str(self.home)
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def launch_echo(self, uid: str = "echo", **options: Any) -> str:
        """Launch an echo model and wait until it is ready."""
        self.client.launch({"model_uid": uid, "model_name": "echo", "model_engine": "echo", **options})
        self.client.wait_ready(uid)
        return uid

    def redis_url(self) -> str:
        """The URL of its Redis."""
        if url := self._env.get("HEADRACE_REDIS_URL"):
            return url
        config = (self.home / "run" / "redis.conf").read_text()
        port, password = (re.findall(rf"^{key} (.+)$", config, re.M)[0] for key in ("port", "requirepass"))
        return f"redis://:{password}@127.0.0.1:{port}/0"

    def redis(self) -> "redis.Redis":
        """A client of its Redis; close it."""
        return redis.Redis.from_url(self.redis_url(), decode_responses=True)

    def log(self, name: str) -> str:
        """The log of a process: gateway, worker-cpu, steward, redis, migrate."""
        path = self.home / "logs" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def logs(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"--- {p.name}\n{p.read_text(errors='replace')[-3000:]}" for p in self.home.glob("logs/*.log"))

    def output(self) -> str:
        """What the supervisor printed."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    def stop(self, sig: signal.Signals = signal.SIGINT) -> None:
        """Stop it, and make sure that it left no process, port or run directory behind."""
        assert self._process is not None
        tree = self.tree()
        self._process.send_signal(sig)
        try:
            code = self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.abandon()
            raise AssertionError(f"it did not stop:\n{self.output()}\n{self.logs()}") from None
        assert code == 0, f"it ended with {code}:\n{self.output()}\n{self.logs()}"
        assert not [process for process in tree if process.is_running()]
        assert not self.survivors()
        assert not (self.home / "run").exists()
        with contextlib.suppress(httpx.ConnectError):
            raise AssertionError(f"port {self.port} still answers: {httpx.get(self.url)}")

    def abandon(self) -> None:
        """End whatever is left of it, with no questions asked."""
        for process in [*self.tree(), *self.survivors()]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if self._process and self.alive():
            self._process.kill()
            self._process.wait(10)

    def close(self) -> None:
        """Stop it if it runs; in any case leave nothing behind."""
        try:
            if self.alive():
                self.stop()
        finally:
            self.abandon()
            self.client.close()


def headrace(stack: Stack, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the command as a user would, against this stack."""
    command = [sys.executable, "-m", "api.cli", *arguments, "-e", stack.url]
    return subprocess.run(
        command, input=typed, capture_output=True, text=True, timeout=240, env=clean_environment(), check=False
    )


def clean_environment() -> dict[str, str]:
    """Ours, without the settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
