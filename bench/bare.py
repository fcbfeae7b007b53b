"""The engine without the platform: ``python -m bench.bare ENGINE SOURCE OPTIONS``.

It is loaded in this process, which then reads commands from standard input, one a line
(``{"clients", "requests", "body"}``), and writes the times of each batch to standard output.
"""

import asyncio
import json
import secrets
import sys
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import uvloop

from bench.client import Answer
from bench.load import Batch, closed_loop
from models.errors import HeadraceError
from models.launching import hub
from models.modalities import chat
from models.modalities.base import Usage
from models.modalities.text import Delta
from workers.engines import engine_class
from workers.engines.base import Engine, EngineSite


class Watch:
    """A sink that only measures times."""

    def __init__(self, rid: str) -> None:
        self.rid = rid
        self.answer = Answer(200)
        self.over = asyncio.get_running_loop().create_future()
        self._began = self._last = perf_counter()

    def delta(self, delta: Delta) -> None:
        """Note when it came."""
        if not delta.text:
            return
        now = perf_counter()
        if self.answer.tokens:
            self.answer.gaps.append(now - self._last)
        else:
            self.answer.first_s = now - self._began
        self.answer.tokens += 1
        self._last = now

    def done(self, usage: Usage, result: Any = None) -> None:
        """The answer is whole."""
        self.answer.total_s = perf_counter() - self._began
        self.answer.complete = True
        self.answer.tokens = usage.completion_tokens
        self.over.set_result(None)

    def fail(self, error: HeadraceError) -> None:
        """The answer is not whole."""
        self.over.set_exception(error)


async def serve(engine: Engine[Any], lines: asyncio.StreamReader) -> None:
    """Run the batches that are asked for."""
    served = 0
    print(json.dumps({"ready": True}), flush=True)
    while line := await lines.readline():
        command = json.loads(line)

        async def send(body: dict[str, Any] = command["body"]) -> Answer:
            nonlocal served
            served += 1
            watch = Watch(f"bare-{served}")
            request = chat.Request.model_validate(fresh(body))
            engine.chat(request, watch)  # type: ignore[attr-defined]
            await watch.over
            return watch.answer

        batch = await closed_loop(send, command["clients"], command["requests"])
        print(json.dumps({"elapsed_s": batch.elapsed_s, "answers": [asdict(one) for one in batch.answers]}), flush=True)


def fresh(body: dict[str, Any]) -> dict[str, Any]:
    """The body with a prompt that was never sent before, so that no cache of prompts saves the model its work."""
    [message] = body["messages"]
    return body | {"messages": [message | {"content": f"{secrets.randbelow(10**6):06}: {message['content']}"}]}


class Bare:
    """A handle on that process, for the benchmark's side."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, engine: str, source: str, options: dict[str, Any]) -> "Bare":
        """Start it and wait until the engine is loaded."""
        arguments = ["-m", "bench.bare", engine, source, json.dumps(options)]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=pipe, stdout=pipe, limit=1 << 26
        )
        bare = cls(process)
        await bare.answer()
        return bare

    async def batch(self, clients: int, requests: int, body: dict[str, Any]) -> Batch:
        """Run one batch there."""
        measured = await self.ask({"clients": clients, "requests": requests, "body": body})
        return Batch([Answer(**answer) for answer in measured["answers"]], measured["elapsed_s"])

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Send a command; returns its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        return await self.answer()

    async def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        await self._process.wait()

    async def answer(self) -> dict[str, Any]:
        """The next line that is an answer. Raises RuntimeError if the process ended."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if line.startswith(b"{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise RuntimeError("the bare engine ended")


async def main() -> None:
    """Load the engine, then serve commands from standard input."""
    name, source, options = sys.argv[1:]
    path = str(hub.fetch(hub.parse(source), Path.home() / ".cache", lambda *_: None)) if source else ""
    engine = await engine_class(name).resident(EngineSite(path, "cpu", json.loads(options)), lambda *_: None)
    lines = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    await serve(engine, lines)


if __name__ == "__main__":
    uvloop.run(main())
