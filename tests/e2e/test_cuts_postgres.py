"""PostgreSQL behind a wire that is cut: nobody waits for long, nothing dies, no job fails, all works again at once."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import sqlalchemy as sa

import migrations
from tests.e2e.jobs.orders import FINAL, order, reaches
from tests.e2e.stack import Stack
from tests.e2e.talk import chat, client, streaming, until
from tests.proxy import Proxy
from tests.servers import Postgres

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EVERY_S = 0.5
HELD_S = 20.0
"""No answer takes as long as this: not at once is some seconds, and this machine may be busy."""
HEALED_S = 20.0
"""All works again within 5 s of the heal, and this machine may be busy."""


@pytest.fixture(scope="module")
def wire(postgres_server: Postgres) -> Iterator[Proxy]:
    """The wire to PostgreSQL."""
    url = sa.make_url(postgres_server.url())
    assert url.port is not None
    migrations.downgrade(postgres_server.url(), "base")
    with Proxy(url.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def far(wire: Proxy, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Headrace whose gateway, worker and steward reach PostgreSQL by that wire."""
    url = sa.make_url(postgres_server.url()).set(port=wire.port).render_as_string(hide_password=False)
    stack = Stack(tmp_path_factory.mktemp("far") / "home", HEADRACE_DATABASE_URL=url)
    try:
        stack.start()
        stack.launch_echo("echo", step_ms=20, max_inflight=32)
        yield stack
    finally:
        wire.heal()
        stack.close()


class Load:
    """Clients that ask for everything, twice a second, and what they are answered."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.longest: dict[str, float] = {}
        self.jobs: list[str] = []
        self.broken: list[str] = []
        self._http = http
        self._over = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ask while the block runs."""
        acts = (self._job, self._models, self._ready, self._stream)
        async with asyncio.TaskGroup() as group:
            for act in acts:
                group.create_task(self._again_and_again(group, act))
            yield
            self._over.set()

    async def works(self) -> bool:
        """Whether everything that needs the database is answered as if nothing had been."""
        ready = await self._asked("ready", self._http.get("/readyz"))
        models = await self._asked("models", self._http.get("/v1/models"))
        return ready.status_code == models.status_code == 200 and await self._job() == 202

    async def _again_and_again(
        self, group: asyncio.TaskGroup, act: Callable[[], Coroutine[None, None, object]]
    ) -> None:
        """Each time anew, whether the last one was answered or not."""
        while not self._over.is_set():
            group.create_task(act())
            await asyncio.sleep(EVERY_S)

    async def _asked(self, name: str, answer: Awaitable[httpx.Response]) -> httpx.Response:
        began = time.monotonic()
        found = await answer
        self.longest[name] = max(time.monotonic() - began, self.longest.get(name, 0))
        self.answers[name, found.status_code] += 1
        return found

    async def _job(self) -> int:
        made = await self._asked("job", self._http.post("/v1/jobs", json=order("echo", max_tokens=5)))
        if made.status_code == httpx.codes.ACCEPTED:
            self.jobs.append(made.json()["id"])
        return made.status_code

    async def _models(self) -> None:
        await self._asked("models", self._http.get("/v1/models"))

    async def _ready(self) -> None:
        await self._asked("ready", self._http.get("/readyz"))

    async def _stream(self) -> None:
        """It needs no database: the replica is known."""
        async with streaming(self._http, chat(max_tokens=100)) as (heard, lines):
            async for line in lines:
                heard.take(line)
        if heard.error or not heard.done:
            self.broken.append(str(heard.error))


@pytest.mark.parametrize("seconds", [5, 30, 90])
async def test_a_silence_of_the_database_is_survived(far: Stack, wire: Proxy, seconds: float) -> None:
    before = far.pids()
    async with client(far.url) as http:
        load = Load(http)
        async with load.running():
            await until(load.works)
            long = [(await http.post("/v1/jobs", json=order("echo", max_tokens=300))).json()["id"] for _ in range(3)]
            for one in long:
                await reaches(http, one, "running")
            await asyncio.to_thread(wire.silence)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(wire.heal)
            healed = time.monotonic()
            await until(load.works, HEALED_S)
            works_s = time.monotonic() - healed
            done = [await reaches(http, job, *FINAL, seconds=60) for job in load.jobs[-3:]]
            done_s = time.monotonic() - healed
        done += [await reaches(http, job, *FINAL, seconds=60) for job in load.jobs + long]
    print(seconds, round(works_s, 1), round(done_s, 1), dict(load.answers), load.longest)

    assert {status for _, status in load.answers} <= {200, 202, 503}
    assert load.answers["ready", 503] > 0
    assert max(load.longest.values()) < HELD_S
    assert not load.broken
    assert {one["state"] for one in done} == {"succeeded"}
    assert {one["attempt"] for one in done if one["id"] in long} == {1}, "their results were not lost"
    assert far.pids() == before
