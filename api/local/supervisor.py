"""Keeps a set of processes running, and ends them in order.

All runs on one asyncio loop on the main thread, because a child gets its death signal when the thread that started it
ends. ``api.local.child`` decides when to restart, when to give up and what hangs; this module acts on that.
"""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

from api.local import home
from api.local.child import Backoff, Child, Spec, rotate, tail, trim
from models.errors import Unavailable
from models.process import processes

TICK_S = 0.1
PROBE_EVERY_S = 5.0
STRAY_GRACE_S = 5.0
STUCK = "does not end although it was killed, as one that is stuck in a driver: it is left behind"

Say = Callable[[str], None]


class Supervisor:
    """Starts children, watches them, and ends them. ``say`` prints a line for the user."""

    def __init__(
        self,
        directory: Path,
        say: Say,
        *,
        probe_every_s: float = PROBE_EVERY_S,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self.children: dict[str, Child] = {}
        self.stopping = False
        self._say = say
        self._logs = directory / "logs"
        self._home = directory
        self._probe_every_s = probe_every_s
        self._backoff = backoff
        self._strays: dict[int, float] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._written: dict[str, int] = {}
        self._unwritten = False
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        processes.become_subreaper()
        self._foreign = processes.children()  # children that this process had before, which are not ours to end

    def start(self, spec: Spec) -> Child:
        """Start a process and keep it running from now on."""
        child = Child(spec, self._logs, self._backoff())
        rotate(child.log)
        self.children[spec.name] = child
        child.start()
        self._watches[spec.name] = asyncio.create_task(self._watch(child), name=f"watch-{spec.name}")
        return child

    async def run(self) -> None:
        """Supervise until cancelled. Raises Unavailable when a process died too often."""
        swept = 0.0
        while True:
            now = time.monotonic()
            for child in self.children.values():
                self._check(child, now)
            if now - swept > 1:
                swept = now
                self._sweep(now)
                for watch in self._watches.values():
                    if watch.done():
                        watch.result()  # a watch ends only by a fault in our code: raise it
            self._write_state()
            await asyncio.sleep(TICK_S)

    async def ready(self, child: Child) -> None:
        """Wait until the process has answered its probe, or is absent. If it never will be either, ``run`` raises."""
        await _until(lambda: child.state == "running" or child.absent)

    async def run_to_end(self, spec: Spec) -> None:
        """Run a process until it ends by itself. Raises Unavailable if it fails."""
        child = Child(spec, self._logs, self._backoff())
        rotate(child.log)
        self.children[spec.name] = child
        child.start()
        child.expect_end()
        await _until(lambda: child.gone(time.monotonic()))  # cancelled here, it is left for ``stop`` to end
        del self.children[spec.name]
        if child.exit_code:
            raise self._failure(child, "failed")

    async def stop(self) -> None:
        """Stop everything, phase by phase. What does not stop within its ``grace_s`` is killed.

        What does not end then either is stuck in a driver, and is left behind.
        """
        self.stopping = True
        for watch in self._watches.values():
            watch.cancel()
        for phase in sorted({child.spec.phase for child in self.children.values()}):
            await asyncio.gather(*(self._stop(child) for child in self.children.values() if child.spec.phase == phase))
        await self._end_strays()

    async def _stop(self, child: Child) -> None:
        child.terminate()
        if await self._gone_within(child, child.spec.grace_s):
            return
        self._say(f"{child.spec.name} did not stop within {child.spec.grace_s:g} s: killing it")
        child.kill()
        if not await self._gone_within(child, STRAY_GRACE_S):
            self._say(f"{child.spec.name} {STUCK}")

    async def _gone_within(self, child: Child, seconds: float) -> bool:
        begun = time.monotonic()
        while not child.gone(time.monotonic()):
            if time.monotonic() - begun > seconds:
                return False
            await asyncio.sleep(TICK_S / 2)
        return True

    async def _end_strays(self) -> None:
        """Wait for orphans to end, and kill those that do not. They had a signal when their parents died."""
        begun = time.monotonic()
        while strays := self._strays_left():
            waited_s = time.monotonic() - begun
            if waited_s > 2 * STRAY_GRACE_S:
                self._say(f"process {', '.join(map(str, strays))} {STUCK}")
                return
            if waited_s > STRAY_GRACE_S:
                for pid in strays:
                    processes.end(pid)
            await asyncio.sleep(TICK_S / 2)

    def kill(self) -> None:
        """End everything at once and wait until it has."""
        for child in self.children.values():
            child.terminate()
            child.kill()
        deadline = time.monotonic() + STRAY_GRACE_S
        while time.monotonic() < deadline:
            for child in self.children.values():
                child.poll(time.monotonic())
            if not self._strays_left(signal.SIGKILL) and not self._pids():
                return
            time.sleep(TICK_S / 2)

    def _check(self, child: Child, now: float) -> None:
        if child.state in ("stopping", "stopped"):
            return
        delay = child.poll(now)
        if child.state == "failed":
            raise self._failure(child, "died too often")
        if delay is not None:
            self._say(f"{child.spec.name} {child.describe_exit()}; starting it again in {delay:.1f} s")
        if child.hung(now):
            silence = child.spec.startup_s if child.state == "starting" else child.spec.patience_s
            self._say(f"{child.spec.name} has not answered for {silence:g} s: killing it")
            child.kill()

    def _failure(self, child: Child, why: str) -> Unavailable:
        """Print the last lines of the process's log; returns the error to raise."""
        for line in tail(child.log):
            self._say(f"{child.spec.name} | {line}")
        return Unavailable(f"{child.spec.name} {why}: it {child.describe_exit()}; its log is {child.log}")

    async def _watch(self, child: Child) -> None:
        """Probe the process: often until it has answered once, then every ``probe_every_s``."""
        if child.spec.probe is None:
            return
        while True:
            if child.pid and child.state in ("starting", "running"):
                pid = child.pid
                answer = await child.spec.probe(time.monotonic() - child.started)
                if child.pid == pid:  # else it was restarted meanwhile, and its predecessor was asked
                    child.take_answer(answer, time.monotonic())
            await asyncio.sleep(TICK_S if child.state == "starting" else self._probe_every_s)

    def _sweep(self, now: float) -> None:
        """Collect orphans that have ended, kill those that outlive their parent by too long, and trim logs."""
        self._strays = {pid: self._strays.get(pid, now) for pid in self._strays_left()}
        for pid, since in self._strays.items():
            if now - since > STRAY_GRACE_S:
                self._say(f"process {pid} outlived its parent: killing it")
                processes.end(pid)
        for child in self.children.values():
            trim(child.log)

    def _pids(self) -> set[int]:
        return {child.pid for child in self.children.values() if child.pid}

    def _strays_left(self, sig: int | None = None) -> list[int]:
        """The orphans that have become children of this process and still live. Each is sent ``sig``."""
        return processes.reap(self._pids() | self._foreign, sig)

    def _write_state(self) -> None:
        """Record which processes run, whenever that changes: after a kill, the next supervisor ends them.

        Where the disk is full, that is tried again at each call.
        """
        running = {name: child.pid for name, child in self.children.items() if child.pid}
        if running == self._written:
            return
        try:
            home.record(self._home, running)
        except OSError:
            if not self._unwritten:
                self._say(f"cannot write into {self._home}: is its disk full? What runs goes on")
            self._unwritten = True
        else:
            self._written, self._unwritten = running, False


async def _until(condition: Callable[[], bool]) -> None:
    """Poll until the condition holds. A handler of SIGCHLD would not need to poll, but would race with ``Popen``."""
    while True:
        if condition():
            return
        await asyncio.sleep(TICK_S / 2)
