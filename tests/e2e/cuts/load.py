"""Clients that ask a Headrace for everything, again and again, while a wire of it is cut, and what they get."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.jobs.orders import FINAL, order, reaches
from tests.e2e.stack import Stack
from tests.e2e.talk import chat, client, until
from tests.support.proxy import Proxy

EVERY_S = 0.5
HEALED_S = 10.0
"""All is served again within 5 s of the heal, and this machine may be busy."""


class Load:
    """A light load: each kind of request twice a second, whether the last one was answered or not.

    ``answers`` counts (kind, status), ``jobs`` has the ids of those accepted, ``broken`` the errors of streams that
    were begun and not ended well, ``longest`` each kind's longest wait in seconds. ``ended`` has the jobs that ran when
    the wire was cut, as they were in the end.
    """

    def __init__(self, http: httpx.AsyncClient, model: str = "echo") -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.longest: dict[str, float] = {}
        self.jobs: list[str] = []
        self.broken: list[str] = []
        self.ended: list[dict[str, Any]] = []
        self._http = http
        self._model = model
        self._over = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ask while the block runs; then wait until all is answered."""
        async with asyncio.TaskGroup() as group:
            for act in (self.chat, self.job, self.models, self.ready, self.stream):
                group.create_task(self._again_and_again(group, act))
            yield
            self._over.set()

    async def served(self) -> bool:
        """Whether new requests are answered as if nothing had been. They take no time to speak of."""
        answers = await asyncio.gather(self.ready(), self.models(), self.chat(), self.job())
        return list(answers) == [200, 200, 200, 202]

    async def works(self) -> bool:
        """The same, and a stream is heard to its end."""
        return await self.served() and await self.stream() == httpx.codes.OK

    async def chat(self) -> int:
        """A short answer in one piece."""
        return await self._asked("chat", self._http.post("/v1/chat/completions", json=chat(self._model, max_tokens=3)))

    async def job(self) -> int:
        """A job."""
        made = self._http.post("/v1/jobs", json=order(self._model, max_tokens=5))
        return await self._asked("job", made)

    async def models(self) -> int:
        """The list of models."""
        return await self._asked("models", self._http.get("/v1/models"))

    async def ready(self) -> int:
        """Whether the gateway is ready."""
        return await self._asked("ready", self._http.get("/readyz"))

    async def stream(self) -> int:
        """A stream of some seconds, which may be cut."""
        body = chat(self._model, max_tokens=100, stream=True)
        async with self._http.stream("POST", "/v1/chat/completions", json=body) as answer:
            self.answers["stream", answer.status_code] += 1
            if answer.status_code != httpx.codes.OK:
                return answer.status_code
            heard = [line async for line in answer.aiter_lines() if line.startswith("data: ")]
        if heard[-1:] != ["data: [DONE]"]:
            self.broken.append(heard[-1] if heard else "nothing was heard")
            return 0
        return answer.status_code

    async def _again_and_again(self, group: asyncio.TaskGroup, act: Callable[[], Awaitable[object]]) -> None:
        while not self._over.is_set():
            group.create_task(self._once(act))
            await asyncio.sleep(EVERY_S)

    async def _once(self, act: Callable[[], Awaitable[object]]) -> None:
        await act()

    async def _asked(self, kind: str, asked: Awaitable[httpx.Response]) -> int:
        began = time.monotonic()
        answer = await asked
        self.longest[kind] = max(time.monotonic() - began, self.longest.get(kind, 0))
        self.answers[kind, answer.status_code] += 1
        if answer.status_code == httpx.codes.ACCEPTED:
            self.jobs.append(answer.json()["id"])
        return answer.status_code


@contextmanager
def far_stack(wire: Proxy, folder: Path, name: str, url: str) -> Iterator[Stack]:
    """A Headrace that serves ``echo``; the setting ``name`` is a URL by way of the wire, which is healed in the end."""
    stack = Stack(folder / "home", demo=False, **{name: url})
    try:
        stack.start()
        stack.launch_echo("echo", step_ms=20, max_inflight=64)
        yield stack
    finally:
        wire.heal()
        stack.close()


@asynccontextmanager
async def surviving(far: Stack, *lengths: int) -> AsyncIterator[Load]:
    """A load before, during and after what the block does to the wire; in the end everything must work.

    When the block begins, a job of each of these lengths runs, at 20 ms a token.
    """
    before = far.pids()
    async with client(far.url) as http:
        load = Load(http)
        async with load.running():
            await until(load.works)
            running = [await _running(http, length) for length in lengths]
            yield load
            healed = time.monotonic()
            await until(load.served, HEALED_S)
            print("served after", round(time.monotonic() - healed, 2))
            await until(load.works)
        load.ended = [await reaches(http, job, *FINAL, seconds=60) for job in running]
        done = [await reaches(http, job, *FINAL, seconds=60) for job in load.jobs]
    print(dict(load.answers), load.longest, load.broken)
    assert {status for _, status in load.answers} <= {200, 202, 503}
    assert {one["state"] for one in done + load.ended} == {"succeeded"}
    assert far.pids() == before, far.logs()


async def _running(http: httpx.AsyncClient, length: int) -> str:
    """A job of so many tokens, once it runs."""
    job = str((await http.post("/v1/jobs", json=order("echo", max_tokens=length))).json()["id"])
    await reaches(http, job, "running")
    return job
