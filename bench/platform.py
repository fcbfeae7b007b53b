"""A whole Headrace for the benchmark, started with the same command that users run."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from api.local.embedded import free_port
from bench.bare import fresh
from bench.client import Answer, stream
from bench.load import Batch, closed_loop
from models.process.processes import spawn


class Platform:
    """``headrace up`` with a temporary home."""

    def __init__(self, *, devices: Iterable[str] = ("cpu",), **env: str) -> None:
        """``env`` is added to its environment; ``devices`` are those that it uses."""
        self._devices = [word for device in devices for word in ("--device", device)]
        self._env = os.environ | {"HEADRACE_LOG_LEVEL": "warning"} | env
        self._home = tempfile.TemporaryDirectory(prefix="headrace-bench-")
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        """Start it and wait until it can serve."""
        command = [sys.executable, "-m", "api.cli", "up", "--no-demo", *self._devices]
        command += ["--port", str(self._port), "--home", str(Path(self._home.name) / "home")]
        self._process = spawn(command, env=self._env, stdout=subprocess.DEVNULL)
        async with asyncio.timeout(60), httpx.AsyncClient() as http:
            while not await self._ready(http):
                if self._process.poll() is not None:
                    raise RuntimeError(f"headrace up ended with code {self._process.returncode}")
                await asyncio.sleep(0.2)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it and delete its home."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        await asyncio.to_thread(self._process.wait, 60)
        self._home.cleanup()

    async def launch(self, uid: str, **fields: Any) -> None:
        """Launch a model and wait until it serves."""
        async with httpx.AsyncClient(timeout=600) as http:
            answer = await http.post(f"{self.url}/v1/models", json={"model_uid": uid} | fields)
            answer.raise_for_status()

    async def terminate(self, uid: str) -> None:
        """Unload a model."""
        async with httpx.AsyncClient(timeout=120) as http:
            (await http.delete(f"{self.url}/v1/models/{uid}")).raise_for_status()

    async def batch(self, clients: int, requests: int, body: dict[str, Any]) -> Batch:
        """Run one batch of streams through the gateway."""
        return await chat_batch(self.url, clients, requests, body)

    def memory_mib(self) -> dict[str, float]:
        """Resident memory of each process, in MiB."""
        return {part: process.memory_info().rss / (1 << 20) for part, process in self.processes()}

    def processes(self) -> Iterator[tuple[str, psutil.Process]]:
        """The living processes, each with the part of Headrace that it is, such as ``api.app``."""
        assert self._process is not None
        for process in psutil.Process(self._process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it has just ended
                part = re.search(r"api\.app|workers\.\w+|valkey-server|redis-server", " ".join(process.cmdline()))
                if part:
                    yield part[0], process

    async def _ready(self, http: httpx.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self.url}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False


async def chat_batch(url: str, clients: int, requests: int, body: dict[str, Any]) -> Batch:
    """One batch against any OpenAI-compatible server."""

    async def send() -> Answer:
        return await stream(f"{url}/v1/chat/completions", fresh(body))

    return await closed_loop(send, clients, requests)
