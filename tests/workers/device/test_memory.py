"""The memory of a GPU as its worker reads it, through a stub of NVML."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from models.launching import devices
from models.process.processes import spawn
from tests.support.nvml import MIB, FakeNvml, gb10, rtx_4090
from tests.support.servers import wait_for
from workers.device.memory import CpuUse, DeviceMemory

SCRIPT = """
import json, sys
from models.launching import devices
from workers.device import card_watch, memory
card_watch.SILENT_S = 3.0
card_watch.EVERY_S = 0.1
read = memory.DeviceMemory(devices.parse("cuda:0"))
for line in sys.stdin:
    name, *arguments = json.loads(line)
    answer = getattr(read, name)
    answer = answer(*arguments) if callable(answer) else answer
    answer = [answer.words, answer.gone] if name == "fault" and answer else answer
    print(json.dumps([answer.total_bytes, answer.free_bytes] if name == "read" else answer), flush=True)
"""
FIRST, SECOND = rtx_4090(0).uuid, rtx_4090(1).uuid

Ask = Callable[..., Any]


@pytest.fixture
def ask(fake_nvml: FakeNvml) -> Iterator[Ask]:
    """Calls a method of the memory of ``cuda:0``, in a process that finds the stub."""
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    fake_nvml.write()
    env = os.environ | fake_nvml.environment
    command = [sys.executable, "-u", "-c", SCRIPT]
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        write, read = process.stdin, process.stdout

        def call(*words: Any) -> Any:
            write.write(json.dumps(words) + "\n")
            write.flush()
            return json.loads(read.readline())

        yield call
        write.close()
        process.kill()


@pytest.fixture
def runner() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that leads a group, as a runner does."""
    process = spawn(["sleep", "600"])
    yield process
    process.kill()
    process.wait(10)


def until(ask: Ask, expected: Any, *words: Any) -> None:
    """Ask until this is the answer: the card is read by a thread of its own."""
    wait_for(lambda: ask(*words) == expected, 30, lambda: f"{words}: {ask(*words)}, not {expected}")


def test_a_card_is_read_again_and_again(fake_nvml: FakeNvml, ask: Ask) -> None:
    card = fake_nvml.gpus[0]
    total, free = ask("read")
    assert total == card.total_mib * MIB
    assert free == (card.total_mib - card.used_mib - card.reserved_mib) * MIB, "the first reading is waited for"
    card.used_mib += 1000
    fake_nvml.write()

    until(ask, [total, free - 1000 * MIB], "read")


def test_a_card_tells_how_busy_it_is_unless_it_is_at_fault(fake_nvml: FakeNvml, ask: Ask) -> None:
    card = fake_nvml.gpus[0]
    card.utilization = (42, 7)
    fake_nvml.write()
    until(ask, 0.42, "utilization")
    card.fault = "forbidden"
    fake_nvml.write()
    until(ask, None, "utilization")


def test_a_cpu_tells_how_busy_it_is_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now, busy = [100.0], [50.0]
    monkeypatch.setattr(psutil, "cpu_percent", lambda: busy[0])
    cpu = CpuUse(lambda: now[0])
    assert cpu.read() is None
    now[0] += 0.5
    assert cpu.read() is None
    now[0] += 0.5
    assert cpu.read() == 0.5
    busy[0] = 100
    assert cpu.read() == 0.5, "a moment is too short"
    now[0] += 1
    assert cpu.read() == 1


def test_a_runner_holds_what_its_group_holds_on_all_its_cards(
    fake_nvml: FakeNvml, ask: Ask, runner: "subprocess.Popen[bytes]"
) -> None:
    assert ask("of", runner.pid, [FIRST, SECOND]) is None
    fake_nvml.gpus[0].processes = {runner.pid: 700 * MIB, os.getpid(): 50 * MIB, 1 << 22: 30 * MIB}
    fake_nvml.gpus[1].processes = {runner.pid: 200 * MIB, os.getpid(): 50 * MIB}
    fake_nvml.write()

    until(ask, 900 * MIB, "of", runner.pid, [FIRST, SECOND])
    assert ask("of", runner.pid, [FIRST]) == 700 * MIB


def test_what_nvml_says_that_cannot_be_ends_nothing(fake_nvml: FakeNvml, ask: Ask) -> None:
    card = fake_nvml.gpus[0]
    card.total_mib, card.processes = 1 << 43, {(1 << 32) - 1: 5 * MIB, 0: MIB, os.getpid(): (1 << 64) - 2}
    fake_nvml.write()

    until(ask, 1 << 56, "of", os.getpgid(0), [FIRST])
    assert ask("read")[0] == 1 << 56, "the database holds less than 2**63"


@pytest.mark.parametrize("place", [0, 1])
def test_the_memory_of_what_ended_is_waited_for_on_each_card(
    fake_nvml: FakeNvml, ask: Ask, runner: "subprocess.Popen[bytes]", place: int
) -> None:
    fake_nvml.gpus[place].processes = {runner.pid: 700 * MIB}
    fake_nvml.write()
    until(ask, 700 * MIB, "of", runner.pid, [FIRST, SECOND])
    assert ask("is_back", [FIRST, SECOND])
    runner.kill()
    runner.wait(10)

    assert not ask("is_back", [FIRST, SECOND])
    assert ask("is_back", [(SECOND, FIRST)[place]]), "the other card is not to be waited for"
    fake_nvml.gpus[place].processes = {}
    fake_nvml.write()
    assert ask("is_back", [FIRST, SECOND])


def test_memory_that_never_comes_back_is_waited_for_in_vain_once(
    fake_nvml: FakeNvml, ask: Ask, runner: "subprocess.Popen[bytes]"
) -> None:
    fake_nvml.gpus[0].processes = {runner.pid: 700 * MIB}
    fake_nvml.write()
    until(ask, 700 * MIB, "of", runner.pid, [FIRST])
    runner.kill()
    runner.wait(10)

    assert not ask("is_back", [FIRST])
    until(ask, True, "is_back", [FIRST])
    assert ask("is_back", [FIRST])


def test_a_driver_that_hangs_is_at_fault_and_holds_nobody_up(fake_nvml: FakeNvml, ask: Ask) -> None:
    """Every question is answered meanwhile, or this test hangs as its process does."""
    total, free = ask("read")
    fake_nvml.hangs = True
    fake_nvml.write()
    assert ask("read") == [total, free], "the last reading"
    until(ask, ["without an answer from its driver for 10 s: see what nvidia-smi says", False], "fault")
    assert ask("read") == [total, 0]
    assert ask("of", os.getpgid(0), [FIRST, SECOND]) is None
    assert ask("is_back", [FIRST])
    fake_nvml.hangs = False
    fake_nvml.write()

    until(ask, None, "fault")
    until(ask, [total, free], "read")


def test_a_lost_card_has_nothing_free_and_ends_nobody(fake_nvml: FakeNvml, ask: Ask) -> None:
    total, free = ask("read")
    assert ask("fault") is None
    fake_nvml.gpus[0].fault = "lost"
    fake_nvml.write()
    until(ask, [total, 0], "read")
    until(ask, ["lost (GPU is lost): restart the machine", True], "fault")
    assert ask("is_back", [FIRST])
    fake_nvml.gpus[0].fault = None
    fake_nvml.write()

    until(ask, [total, free], "read")
    assert ask("fault") is None


def test_a_card_that_does_not_answer_is_not_gone(fake_nvml: FakeNvml, ask: Ask) -> None:
    ask("read")
    fake_nvml.gpus[0].fault = "forbidden"
    fake_nvml.write()
    wait_for(lambda: ask("fault"), 30)
    words, gone = ask("fault")
    assert words.startswith("forbidden (Insufficient Permissions): this user must be able to read and write")
    assert not gone
    fake_nvml.gpus[0].fault, fake_nvml.gpus[0].uuid = None, "GPU-another"
    fake_nvml.write()
    until(ask, ["gone (Not Found): restart Headrace, it looks for GPUs at its start", True], "fault")


def test_without_memory_of_its_own_a_card_has_the_machines(fake_nvml: FakeNvml, ask: Ask) -> None:
    del ask
    fake_nvml.gpus = [gb10()]
    fake_nvml.write()
    env = os.environ | fake_nvml.environment
    asked = '["read"]\n["fault"]\n'
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=env, input=asked, capture_output=True, text=True, check=True
    )
    [total, free], fault = map(json.loads, done.stdout.splitlines())
    assert fault is None

    assert total == devices.parse("cpu").total_bytes
    assert 0 < free <= psutil.virtual_memory().total


def test_a_cpu_has_the_machines() -> None:
    memory = DeviceMemory(devices.parse("cpu"))
    assert 0 < memory.read().free_bytes <= psutil.virtual_memory().total
    assert memory.of(os.getpid(), []) is None
    assert memory.is_back([])


def test_a_budget_is_free_less_what_runners_hold() -> None:
    read = DeviceMemory(devices.parse("cpu:0=8MiB")).read
    assert (read(MIB).total_bytes, read(MIB).free_bytes) == (8 * MIB, 7 * MIB)
    assert read(9 * MIB).free_bytes == 0
