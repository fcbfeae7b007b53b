"""The supervisor over small stand-in commands. The real parts are supervised in ``e2e/test_up.py``."""

import asyncio
import contextlib
import errno
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.local import child as child_module
from api.local import home, supervisor
from api.local.child import Backoff, Child, Probe, Spec, rotate, tail, trim
from api.local.supervisor import Supervisor
from models.errors import Unavailable
from models.process import processes
from tests.models.process.test_processes import dead, linux
from tests.support.disks import on_a_disk_of
from tests.support.nvml.stuck import stuck, until_stuck

SLEEP = ("sleep", "60")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal,time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
)


class Told(list[str]):
    """What the human was told."""

    def has(self, text: str) -> bool:
        return any(text in line for line in self)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def watched(tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """A supervisor in a hurry. The test run itself must not become a subreaper: that cannot be undone."""
    monkeypatch.setattr(processes, "become_subreaper", lambda: False)
    monkeypatch.setattr(supervisor, "TICK_S", 0.02)
    with home.locked(tmp_path / "home"):
        made = Supervisor(tmp_path / "home", told.append, probe_every_s=0.05, backoff=lambda: Backoff(first_s=0.1))
        yield made
        made.kill()


def spec(name: str, *argv: str, phase: int = 0, grace_s: float = 5, **more: Any) -> Spec:
    return Spec(name, argv or SLEEP, {"PATH": "/usr/bin:/bin"}, phase, grace_s, **more)


async def until(condition: Any, timeout_s: float = 10) -> None:
    async with asyncio.timeout(timeout_s):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(made: Supervisor) -> Any:
    task = asyncio.create_task(made.run())
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Unavailable):
        await task
    await made.stop()


def test_backoff_doubles_and_gives_up() -> None:
    backoff = Backoff()
    assert [backoff.died(now) for now in (0, 1, 2, 4, 8)] == [0.5, 1, 2, 4, None]


def test_backoff_never_gives_up_on_rare_deaths() -> None:
    backoff = Backoff()
    assert [backoff.died(now) for now in range(0, 200, 20)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert backoff.died(300) == 0.5, "a minute of peace and all is forgotten"


async def test_a_dead_child_is_started_again(watched: Supervisor, told: Told) -> None:
    async with running(watched):
        child = watched.start(spec("part"))
        first = child.pid
        processes.kill_group(first)
        await until(lambda: child.pid not in (0, first))
        assert child.state == "running"
        assert child.restarts == 1
        assert told.has("part was ended by signal 9 (Killed); starting it again in 0.1 s")


async def test_a_child_that_keeps_dying_is_given_up(watched: Supervisor, told: Told) -> None:
    watched.start(spec("part", "sh", "-c", "echo last words; exit 7"))
    with pytest.raises(Unavailable, match=r"part died too often: it ended with code 7; its log is .*part\.log"):
        async with asyncio.timeout(20):
            await watched.run()
    assert told.has("part | last words")
    assert watched.children["part"].state == "failed"
    await watched.stop()


async def test_who_misses_its_device_is_not_dying(
    watched: Supervisor, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "ABSENT_S", 0.05)
    device = tmp_path / "device"
    command = f"echo looking >> {tmp_path}/looks; [ -e {device} ] || {{ echo 'GPU 1 is lost'; exit 74; }}; sleep 60"

    async def answers(_age_s: float) -> bool:
        return device.exists()

    child = watched.start(spec("worker", "sh", "-c", command, absent_code=74, probe=answers))
    async with running(watched):
        async with asyncio.timeout(10):
            await watched.ready(child)  # a start does not wait for it
        assert child.absent
        await until(lambda: child.restarts > Backoff.deaths)
        assert [line for line in told if "worker" in line] == [
            "worker is not at work: GPU 1 is lost; starting it again in 0.1 s"
        ]
        device.touch()
        await until(lambda: child.state == "running")
        assert not child.absent


async def test_phases_stop_one_after_the_other(watched: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    script = f'trap "sleep 0.2; echo $0 >> {order}; exit 0" TERM; echo up; while :; do sleep 0.05; done'
    async with running(watched):
        for phase, name in ((2, "broker"), (0, "intake"), (1, "worker")):
            watched.start(spec(name, "sh", "-c", script, name, phase=phase))
        await until(lambda: all(tail(one.log) == ["up"] for one in watched.children.values()))
    assert order.read_text().split() == ["intake", "worker", "broker"]
    assert {one.state for one in watched.children.values()} == {"stopped"}


async def test_who_does_not_stop_in_time_is_killed(watched: Supervisor, told: Told) -> None:
    child = watched.start(spec("stubborn", *STUBBORN, grace_s=0.3))
    await until(lambda: tail(child.log) == ["up"])
    await watched.stop()
    assert child.exit_code == -signal.SIGKILL
    assert told.has("stubborn did not stop within 0.3 s: killing it")


async def test_kill_ends_everything_at_once(watched: Supervisor) -> None:
    child = watched.start(spec("stubborn", *STUBBORN, grace_s=3600))
    await until(lambda: tail(child.log) == ["up"])
    watched.kill()
    assert child.state == "stopped"
    assert child.exit_code == -signal.SIGKILL


async def test_the_living_but_silent_are_killed_and_started_again(watched: Supervisor, told: Told) -> None:
    answers = iter([True, True])

    async def probe(_age_s: float) -> bool | None:
        return next(answers, False)

    async with running(watched):
        child = watched.start(spec("silent", probe=probe, patience_s=0.3, startup_s=60))
        assert child.state == "starting"
        await watched.ready(child)
        await until(lambda: child.restarts == 1)
        assert told.has("silent has not answered for 0.3 s: killing it")


async def test_a_single_probe_without_an_answer_kills_nobody(tmp_path: Path) -> None:
    child = Child(spec("part", probe=_always(True), patience_s=15), tmp_path, Backoff())
    child.start()
    try:
        child.take_answer(True, 100)
        child.take_answer(False, 110)
        assert not child.hung(116), "it stood still for a moment, and one probe was lost"
        child.take_answer(False, 120)
        assert child.hung(120)
        child.take_answer(True, 121)
        assert not child.hung(140)
    finally:
        child.expect_end()
        child.kill()
        await until(lambda: child.gone(0))


async def test_who_never_answers_is_killed_too(watched: Supervisor, told: Told) -> None:
    async with running(watched):
        child = watched.start(spec("mute", probe=_always(False), startup_s=0.3))
        await until(lambda: child.restarts == 1)


async def test_silence_that_proves_nothing_is_forgiven(watched: Supervisor, told: Told) -> None:
    asked: list[float] = []

    async def probe(age_s: float) -> bool | None:
        asked.append(age_s)
        return None

    async with running(watched):
        child = watched.start(spec("unheard", probe=probe, patience_s=0.1, startup_s=0.1))
        await until(lambda: asked and asked[-1] > 0.5)
        assert child.restarts == 0
        assert child.state == "starting"


def _always(answer: bool | None) -> Probe:
    async def probe(_age_s: float) -> bool | None:
        return answer

    return probe


async def test_the_age_tells_a_probe_whose_answer_it_has(watched: Supervisor) -> None:
    ages: list[float] = []

    async def probe(age_s: float) -> bool | None:
        ages.append(age_s)
        return True

    async with running(watched):
        await watched.ready(watched.start(spec("aged", probe=probe)))
    assert 0 <= ages[0] < 60


async def test_a_call_runs_to_its_end(watched: Supervisor, told: Told) -> None:
    async with running(watched):
        await watched.run_to_end(spec("once", "true"))
        assert "once" not in watched.children
        with pytest.raises(Unavailable, match="once failed: it ended with code 3"):
            await watched.run_to_end(spec("once", "sh", "-c", "echo reason; exit 3"))
    assert told.has("once | reason")


async def test_a_call_can_be_stopped(watched: Supervisor) -> None:
    calling = asyncio.create_task(watched.run_to_end(spec("long")))
    await until(lambda: "long" in watched.children and watched.children["long"].pid)
    calling.cancel()
    await watched.stop()
    assert watched.children["long"].exit_code == -signal.SIGTERM


async def test_what_runs_is_recorded(watched: Supervisor, tmp_path: Path) -> None:
    async with running(watched):
        child = watched.start(spec("part"))
        record = tmp_path / "home" / "run" / "processes.json"
        await until(lambda: f'"part": [{child.pid},' in record.read_text())


@linux
def test_orphans_are_collected(tmp_path: Path) -> None:
    """In a process of its own, which becomes a subreaper."""
    script = f"""
import asyncio, pathlib
from api.local import home, supervisor
from api.local.child import Spec
supervisor.STRAY_GRACE_S = 0.5
async def main():
    made = supervisor.Supervisor(directory, print)
    task = asyncio.create_task(made.run())
    command = "setsid sh -c 'echo $$; trap : TERM; while :; do sleep 0.1; done' & exit 0"
    made.start(Spec("parent", ("sh", "-c", command), {{"PATH": "/usr/bin:/bin"}}, 0, 1))
    while not (directory / "logs" / "parent.log").read_text().strip():
        await asyncio.sleep(0.02)
    task.cancel()
    await made.stop()
directory = pathlib.Path({str(tmp_path)!r})
with home.locked(directory):
    asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
    orphans = [int(line) for line in (tmp_path / "logs" / "parent.log").read_text().split() if line.isdigit()]
    assert orphans
    assert all(dead(pid) for pid in orphans)


def test_logs_are_rotated_at_the_start(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    for generation in range(6):
        rotate(log)
        log.write_text(str(generation))
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["5", "4", "3", "2"]


def test_a_log_that_grew_too_long_is_cut_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    with open(log, "ab", buffering=0) as writer:
        writer.write(b"before\n" * 100)
        trim(log, 1000)
        assert log.exists(), "short logs are left alone"
        trim(log, 100)
        writer.write(b"after\n")
    assert log.read_text() == "after\n"
    assert tail(tmp_path / "x.log.1", 1) == ["before"]
    assert tail(tmp_path / "missing") == []


def test_a_log_that_grew_too_long_is_cut_where_there_is_no_room_for_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "x.log"
    log.write_text("before\n" * 100)

    def full(_: Path, copy: Path) -> None:
        copy.write_text("be")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    trim(log, 100)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("x.log", "")]


FULL = """
import asyncio, os, pathlib, sys
from api.local import home, supervisor
from api.local.child import Backoff, Spec
from models.process import processes
disk, there = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[1]) / "home"
fill = disk / "of-another-program"
def filled():
    with open(fill, "wb", buffering=0) as file:
        try:
            while True: file.write(bytes(4096))
        except OSError: pass
async def until(condition):
    async with asyncio.timeout(30):
        while not condition(): await asyncio.sleep(0.05)
async def main(made, told):
    made.start(Spec("part", ("sleep", "60"), os.environ, 0, 5))
    task = asyncio.create_task(made.run())
    child = made.children["part"]
    await until(lambda: child.pid and home.recorded(there).get("part", (0,))[0] == child.pid)
    filled()
    child.log.unlink()
    child.log.mkdir()  # memory has room for a new empty file, other disks have not: it cannot be opened
    for first in range(2):
        before = child.pid
        child.kill()
        await until(lambda: task.done() or child.pid not in (0, before))
        assert not task.done(), task.exception()
        await asyncio.sleep(3 * supervisor.TICK_S)
    assert home.recorded(there).get("part", (0,))[0] != child.pid
    fill.unlink()
    await until(lambda: task.done() or home.recorded(there).get("part", (0,))[0] == child.pid)
    task.cancel()
    print("\\n".join(told))
    await made.stop()
with home.locked(there):
    told = []
    asyncio.run(main(supervisor.Supervisor(there, told.append, backoff=lambda: Backoff(first_s=0.1)), told))
"""


def test_a_full_disk_ends_neither_the_supervisor_nor_what_it_runs(tmp_path: Path) -> None:
    said = on_a_disk_of(1 << 20, tmp_path, FULL)
    assert said.count("is its disk full? What runs goes on") == 1
    assert said.count("starting it again") == 2


def test_an_unknown_signal_has_a_description(tmp_path: Path) -> None:
    child = Child(spec("x"), tmp_path, Backoff())
    child.exit_code = -40
    assert "signal 40" in child.describe_exit()


async def test_what_is_stuck_in_a_driver_is_left_behind(
    watched: Supervisor, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STRAY_GRACE_S", 0.5)
    with stuck(tmp_path) as made:
        program = f"{made.program}\nimport time\ntime.sleep(600)"
        async with running(watched):
            watched.start(spec("worker", sys.executable, "-c", program, grace_s=0.5))
            await asyncio.to_thread(until_stuck, made)
        await watched.stop()
    assert told.has("worker does not end although it was killed")
