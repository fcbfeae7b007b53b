"""The worker of a GPU as a real process, on a machine that a stub of NVML describes."""

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import migrations
from models.engines import FACTS
from models.process.background import PART_DEAD
from models.process.processes import kill_group, spawn
from models.redis import presence
from models.rows import instances
from models.rows.database import Database
from models.rows.instances import NewInstance
from models.rows.records import ReplicaRow
from models.rows.states import ReplicaState
from tests.support.nvml import MIB, FakeNvml, rtx_4090
from tests.support.servers import Valkey, wait_for
from workers.device.turns import Turns

NOWHERE = {engine: "/nowhere/python" for engine in FACTS if engine != "echo"}
FIRST, SECOND = rtx_4090(0).uuid, rtx_4090(1).uuid


class Worker:
    """The worker of ``cuda:0``. Of the engines it has echo alone, unless ``interpreters`` says more."""

    def __init__(self, fake: FakeNvml, valkey: Valkey, home: Path) -> None:
        self.fake = fake
        self.home = home
        self.node = f"n{secrets.token_hex(4)}"
        self.device = f"{self.node}.cuda:0"
        home.mkdir()
        url = f"sqlite:///{home / 'headrace.db'}"
        migrations.upgrade(url)
        self.database = Database(url)
        self._redis = valkey.client()
        self._output = home.with_suffix(".output")
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        self._env |= fake.environment | {"HEADRACE_HOME": str(home), "HEADRACE_NODE": self.node}
        self._env |= {"HEADRACE_REDIS_URL": valkey.url}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, interpreters: dict[str, str] | None = None, **env: str) -> None:
        """Start it, and wait until it reports."""
        known = {"HEADRACE_INTERPRETERS": json.dumps(NOWHERE if interpreters is None else interpreters)}
        command = [sys.executable, "-P", "-m", "workers.device", "--device", "cuda:0"]
        with self._output.open("ab") as output:
            self.process = spawn(command, env=self._env | known | env, stdout=output, stderr=subprocess.STDOUT)
        wait_for(lambda: self._seen() and self.report(), 60, self.output)

    def launch(self, others: list[str] | None = None, **options: Any) -> None:
        """Have a replica of echo loaded on it, and on other devices of its node."""
        for name in others or ():
            seen = {"id": name, "node": self.node, "kind": "cuda", "label": "", "total_bytes": 1, "engines": {}}
            self.database.call(lambda c, seen=seen: instances.see_device(c, **seen, details={"uuid": SECOND}))
        self.database.call(lambda c: instances.create(c, NewInstance("echo", "echo", "LLM", "echo", options=options)))
        [row] = self.database.call(instances.pending)
        assert self.database.call(instances.place, row.id, self.device, others or ())

    def row(self) -> ReplicaRow:
        """The one replica."""
        [row] = self.database.call(instances.replicas_of, "echo")
        return row

    def until(self, condition: Callable[[ReplicaRow], Any]) -> ReplicaRow:
        """The replica, once this is so."""
        wait_for(lambda: condition(self.row()), 60, lambda: f"{self.row()}\n{self.output()}")
        return self.row()

    def report(self) -> presence.Snapshot | None:
        """What it last reported."""
        body = self._redis.get(presence.device_key(self.device))
        return presence.decode(body) if isinstance(body, bytes | str) else None

    def output(self) -> str:
        """What it wrote."""
        return self._output.read_text(errors="replace")

    def end(self) -> None:
        """Kill it; its runners end by themselves."""
        if self.process:
            kill_group(self.process.pid)
            self.process.wait(30)
        self.database.close()
        self._redis.close()

    def _seen(self) -> bool:
        return bool(self.database.call(instances.alive_devices, instances.ALIVE_MS))


@pytest.fixture
def worker(fake_nvml: FakeNvml, valkey: Valkey, tmp_path: Path) -> Iterator[Worker]:
    """A worker that is not started yet."""
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    fake_nvml.write()
    made = Worker(fake_nvml, valkey, tmp_path / "home")
    yield made
    made.end()


def test_a_worker_that_lost_the_thread_of_its_device_ends(worker: Worker) -> None:
    """With a code: it would look alive, and load and stop nothing."""
    worker.start()
    worker.launch()
    worker.database.call(lambda c: c.execute(sa.text("UPDATE instances SET options = '{'")))
    assert worker.process
    assert worker.process.wait(60) == PART_DEAD, worker.output()
    assert "a part of this process has failed" in worker.output()


def test_a_worker_reports_while_its_driver_hangs(worker: Worker) -> None:
    worker.start()
    worker.launch()
    worker.until(lambda row: row.state == ReplicaState.READY)
    worker.fake.hangs = True
    worker.fake.write()
    before = worker.report()
    assert before

    def goes_on() -> bool:
        now = worker.report()
        return now is not None and now.serial > before.serial + 3

    wait_for(goes_on, 60, worker.output)
    wait_for(lambda: "without an answer from its driver" in worker.output(), 60, worker.output)
    assert worker.row().state == ReplicaState.READY
    worker.fake.hangs = False
    worker.fake.write()
    wait_for(lambda: "can be used again" in worker.output(), 60, worker.output)


def test_what_a_database_cannot_hold_is_not_recorded(worker: Worker) -> None:
    worker.fake.gpus[0].total_mib = 1 << 43
    worker.fake.write()
    worker.start()
    [row] = worker.database.call(instances.alive_devices, instances.ALIVE_MS)
    assert row.total_bytes == 1 << 56


def test_the_memory_of_a_replica_is_that_of_all_its_gpus(worker: Worker) -> None:
    worker.start()
    worker.launch([f"{worker.node}.cuda:1"])
    pid = worker.until(lambda row: row.state == ReplicaState.READY).pid
    assert pid
    for gpu, mebibytes in zip(worker.fake.gpus, (5000, 7000), strict=True):
        gpu.processes = {pid: mebibytes * MIB}
    worker.fake.write()

    def held() -> int:
        report = worker.report()
        return report.replicas[0].memory_bytes if report else 0

    wait_for(lambda: held() == 12_000 * MIB, 30, lambda: str(worker.report()))


def test_others_wait_for_a_runner_that_ends(worker: Worker) -> None:
    worker.start()
    worker.launch([f"{worker.node}.cuda:1"])
    pid = worker.until(lambda row: row.state == ReplicaState.READY).pid
    assert pid
    os.kill(pid, signal.SIGSTOP)  # it does not hear that it is to end
    worker.database.call(instances.delete, "echo")
    turns = Turns(worker.home / "turns")

    def held() -> bool:
        turn = turns.take([SECOND])
        if turn:
            turn.close()
        return turn is None

    wait_for(held, 60, worker.output)
    wait_for(lambda: not held(), 60, worker.output)
    assert not os.path.exists(f"/proc/{pid}")


def test_a_load_that_takes_too_long_says_so(worker: Worker) -> None:
    worker.start(HEADRACE_LOAD_TIMEOUT_S="1")
    worker.launch(load_s=600)
    error = worker.until(lambda row: row.error).error
    assert "HEADRACE_LOAD_TIMEOUT_S (1 s)" in str(error)


def test_turns_that_cannot_be_taken_are_the_reason_of_the_end(worker: Worker) -> None:
    (worker.home / "turns").write_text("a file in its place")
    worker.start()
    worker.launch()
    failed = worker.until(lambda row: row.state == ReplicaState.FAILED)
    assert "loads cannot take turns" in str(failed.error)
    assert str(worker.home / "turns") in str(failed.error)


def test_nobody_measures_a_gpu_while_a_probe_holds_memory_of_it(worker: Worker, tmp_path: Path) -> None:
    fakes, go = tmp_path / "fakes", tmp_path / "go"
    fakes.mkdir()
    waits = (
        f"import os, time\nwhile not os.path.exists({str(go)!r}):\n    time.sleep(0.05)\nraise ImportError('at last')"
    )
    (fakes / "xllamacpp.py").write_text(waits)
    path = f"{fakes}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    elsewhere = {name: python for name, python in NOWHERE.items() if name != "llama_cpp"}
    worker.start(interpreters=elsewhere, PYTHONPATH=path)
    worker.launch()
    worker.until(lambda row: row.stage == "waiting")
    turns = Turns(worker.home / "turns")
    assert turns.take([SECOND, FIRST]) is None, "another worker's load waits too"
    assert worker.row().stage == "waiting"
    go.touch()

    worker.until(lambda row: row.state == ReplicaState.READY)
    turn = turns.take([FIRST])
    assert turn
    turn.close()
