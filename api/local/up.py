"""``headrace up``: starts everything on one machine, and runs it until a signal asks to stop."""

import asyncio
import contextlib
import json
import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from api.client import Client
from api.edge.exposure import check_exposure, check_port, local_url
from api.local import demo, embedded, home
from api.local.child import Child
from api.local.console import Console, table
from api.local.demo import DEMO, ON_REQUEST
from api.local.foreground import Foreground
from api.local.listing import described, waits
from api.local.process_specs import ProcessSpecs
from api.local.supervisor import Supervisor
from api.local.tails import Tails
from models.errors import HeadraceError, InvalidRequest, Unavailable
from models.launching import devices
from models.rows import instances
from models.rows.database import Database
from models.rows.life import autostart, retries
from models.settings import Settings

SERVING_TIMEOUT_S = 60.0
REDIS_TIMEOUT_S = 10.0


def up(settings: Settings, wanted: Sequence[str], *, demo: bool, verbose: bool) -> None:
    """Run until SIGINT or SIGTERM; a second one ends everything at once.

    Raises HeadraceError if it cannot start or go on.
    """
    named = "node" in settings.model_fields_set
    settings = _with(settings, home=settings.home.expanduser().absolute())
    check_exposure(settings)
    found, notes = _devices(wanted)
    console = Console()
    with home.locked(settings.home):
        check_port(settings.host, settings.port)
        if not named:
            settings = _with(settings, node=home.node(settings.home, settings.node))
        server = None if settings.redis_url else embedded.prepare(settings.home)
        if server:
            settings = _with(settings, redis_url=server.url)
        asyncio.run(Up(settings, found, notes, server, console, demo=demo, verbose=verbose).main())


def _devices(wanted: Sequence[str]) -> devices.Survey:
    """The devices that the command line names, else all of this machine. Raises InvalidRequest."""
    named = [devices.parse(name) for name in dict.fromkeys(wanted)]
    twice = [name for name, times in Counter(one.name for one in named).items() if times > 1]
    if twice:
        raise InvalidRequest(f"{twice[0]} is named with two budgets", param="device")
    return devices.Survey(named, []) if named else devices.survey()


class Up:
    """One run of ``headrace up``."""

    def __init__(
        self,
        settings: Settings,
        found: Sequence[devices.Device],
        notes: Sequence[str],
        server: embedded.Embedded | None,
        console: Console,
        *,
        demo: bool,
        verbose: bool,
    ) -> None:
        self._settings = settings
        self._devices = found
        self._notes = notes
        self._server = server
        self._console = console
        self._demo = demo
        self._url = local_url(settings.host, settings.port)
        self._supervisor = Supervisor(settings.home, console.say)
        self._verbose = verbose

    async def main(self) -> None:
        """Start everything, supervise it, and at the end stop all that was started, also after an error."""
        specs = ProcessSpecs(self._settings)
        tails = [Tails(self._settings.home / "logs", self._console.say).follow()] if self._verbose else []
        try:
            await Foreground(self._supervisor, self._console).run(self._begin(specs), *tails)
        finally:
            await specs.close()

    async def _begin(self, specs: ProcessSpecs) -> None:
        """Start the processes in the order in which they need each other; wait until requests can be served."""
        self._console.say(f"Headrace in {self._settings.home}")
        for note in self._notes:
            self._console.say(f"  note: {note}")
        redis = None
        if self._server:
            redis = self._supervisor.start(specs.redis(self._server))
        else:
            await self._external_redis(specs)
        with self._step("database", f"migrated, {_without_password(self._settings.database)}"):
            await self._supervisor.run_to_end(specs.migrate())
        if redis and self._server:
            with self._step("redis", f"{Path(self._server.argv[0]).name} on 127.0.0.1:{self._server.port}"):
                await self._supervisor.ready(redis)
        await specs.forget([one.name for one in self._devices])
        await asyncio.to_thread(_begin_anew, self._settings, [one.name for one in self._devices])
        refused = await asyncio.to_thread(demo.register, self._settings) if self._demo else {}
        gateway = self._supervisor.start(specs.gateway())
        workers = [self._supervisor.start(specs.worker(one.argument)) for one in self._devices]
        self._supervisor.start(specs.steward())
        for child in (gateway, *workers):
            await self._ready(child)
        with self._step("ready", self._url):
            await self._serving(specs)
        ready = self._demo and await self._await_demo(refused)
        self._console.idle()
        self._summary(await asyncio.to_thread(self._described_devices), demo=ready)

    async def _ready(self, child: Child) -> None:
        with self._step(child.spec.name, f"pid {child.pid}", unless=lambda: child.absent):
            await self._supervisor.ready(child)

    async def _external_redis(self, specs: ProcessSpecs) -> None:
        with self._step("redis", "the one of HEADRACE_REDIS_URL"):
            begun = time.monotonic()
            while not await specs.redis_answers():
                if time.monotonic() - begun > REDIS_TIMEOUT_S:
                    raise Unavailable(f"the Redis of HEADRACE_REDIS_URL has not answered for {REDIS_TIMEOUT_S:.0f} s")
                await asyncio.sleep(0.2)

    async def _serving(self, specs: ProcessSpecs) -> None:
        begun = time.monotonic()
        while (missing := await specs.serving()) != {}:
            if time.monotonic() - begun > SERVING_TIMEOUT_S:
                raise Unavailable(f"the gateway is not ready: {', '.join(missing or ['no answer'])}")
            await asyncio.sleep(0.1)

    async def _await_demo(self, refused: Mapping[str, str]) -> bool:
        """Wait for the first of the demo's models, and say what the others are. Returns whether it is ready.

        ``refused``: why some are not offered. That neither stops the platform nor hides the others.
        """
        ready = False
        try:
            if why := refused.get(str(DEMO["model_uid"])):
                raise Unavailable(why)
            with self._client() as client:
                await self._wait_for_demo(client)
            ready = True
        except HeadraceError as error:
            self._console.say(f"  {DEMO['model_uid']:<12} not available: {error.message}")
        others = [str(one["model_uid"]) for one in ON_REQUEST]
        for uid in others:
            if uid in refused:
                self._console.say(f"  {uid:<12} not available: {refused[uid]}")
        names = ", ".join(uid for uid in others if uid not in refused)
        self._console.say(f"  {'on request':<12} {names or 'nothing'}")
        return ready

    async def _wait_for_demo(self, client: Client) -> None:
        uid = str(DEMO["model_uid"])
        with self._step(uid, "the demo model"):  # one that sleeps since nobody asked answers, too
            while (now := await asyncio.to_thread(client.progress, uid)).stage not in ("ready", "dormant"):
                if now.stage == "failed" or now.hopeless:
                    raise Unavailable(now.reason or "it could not be loaded")
                self._console.waiting(uid, f"{now.stage} {now.fraction:.0%} {now.download or now.reason}".rstrip())
                await asyncio.sleep(0.2)

    def _client(self) -> Client:
        """A client of our own gateway, with an administrator's key where there are keys."""
        return Client(self._url, next(iter(self._settings.admin_keys or self._settings.api_keys), ""))

    def _described_devices(self) -> list[str]:
        """All devices in words; nothing where the gateway cannot say."""
        with contextlib.suppress(HeadraceError), self._client() as client:
            found = client.all_devices()
            more = ["Engines are still asked: `headrace list` will have the answers."] if waits(found["data"]) else []
            return described(found) + more
        return []

    @contextlib.contextmanager
    def _step(self, what: str, detail: str, *, unless: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Show that this is being waited for while the block runs, then that it is ready and how long it took.

        Nothing is said at the end if ``unless`` holds then.
        """
        begun = time.monotonic()
        self._console.waiting(what)
        yield
        self._console.idle()
        if not unless():
            self._console.say(f"  {what:<12} ready after {time.monotonic() - begun:4.1f} s   {detail}")

    def _summary(self, about_devices: Sequence[str], *, demo: bool) -> None:
        say = self._console.say
        say()
        for line in table(self._supervisor.children.values()):
            say(line)
        say()
        for line in about_devices:
            say(f"  {line}")
        say()
        say(f"Headrace serves {self._url}   (documentation: {self._url}/docs, logs: {self._settings.home}/logs)")
        say("Try:")
        say()
        say(_sample(self._url, _key_variable(self._settings), demo=demo))
        say()
        say(f"Ctrl-C stops it; running streams may finish for {self._settings.drain_s:.0f} s.")


def _with(settings: Settings, **changes: Any) -> Settings:
    """The settings with these changes. They are made anew: a copy would keep what was computed from the old values."""
    return Settings(**(settings.model_dump() | changes))


def _begin_anew(settings: Settings, names: Sequence[str]) -> None:
    """Record that devices of an earlier run on this machine, other than these, are gone, and what is to come back.

    What has failed is tried anew, as if for the first time: whoever starts it again may have mended the cause.
    """
    database = Database(settings.database)
    try:
        database.call(instances.unsee, settings.node, [f"{settings.node}.{name}" for name in names])
        database.call(autostart.end_others)
        database.call(retries.forgive)
    finally:
        database.close()


def _key_variable(settings: Settings) -> str:
    """The variable that holds a key for inference; empty where none is asked for."""
    if settings.api_keys:
        return "HEADRACE_API_KEY"
    return "HEADRACE_ADMIN_KEY" if settings.admin_keys else ""


def _sample(url: str, variable: str, *, demo: bool) -> str:
    """A command that works when pasted; ``variable`` holds the key that it presents."""
    header = f' -H "authorization: Bearer ${variable}"' if variable else ""
    if not demo:
        return f"curl {url}/v1/models{header}"
    messages = [{"role": "user", "content": "Name a colour."}]
    asked = {"model": DEMO["model_uid"], "stream": True, "max_tokens": 50, "temperature": 0, "messages": messages}
    body = json.dumps(asked, separators=(",", ":"))
    return f"curl {url}/v1/chat/completions -d {shlex.quote(body)} -H 'content-type: application/json'{header}"


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    scheme, _, _credentials = head.partition("://")
    return f"{scheme}://{tail}" if at else url
