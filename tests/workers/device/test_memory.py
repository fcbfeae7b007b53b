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
from workers.device.memory import DeviceMemory

SCRIPT = """
import json, sys
from models.launching import devices
from workers.device import memory
memory.FRESH_S = 0.0
read = memory.DeviceMemory(devices.parse("cuda:0"))
for line in sys.stdin:
    name, *arguments = json.loads(line)
    answer = getattr(read, name)
    answer = answer(*arguments) if callable(answer) else answer and [answer.words, answer.gone]
    print(json.dumps([answer.total_bytes, answer.free_bytes] if name == "read" else answer), flush=True)
"""

Ask = Callable[..., Any]


@pytest.fixture
def ask(fake_nvml: FakeNvml) -> Iterator[Ask]:
    """Calls a method of the memory of ``cuda:0``, in a process that finds the stub."""
    fake_nvml.gpus = [rtx_4090()]
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


@pytest.fixture
def runner() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that leads a group, as a runner does."""
    process = spawn(["sleep", "600"])
    yield process
    process.kill()
    process.wait(10)


def test_a_card_is_read_again_and_again(fake_nvml: FakeNvml, ask: Ask) -> None:
    card = fake_nvml.gpus[0]
    total, free = ask("read")
    assert total == card.total_mib * MIB
    card.used_mib += 1000
    fake_nvml.write()

    assert ask("read") == [total, free - 1000 * MIB]


def test_a_runner_holds_what_its_group_holds(fake_nvml: FakeNvml, ask: Ask, runner: "subprocess.Popen[bytes]") -> None:
    assert ask("of", runner.pid) is None
    fake_nvml.gpus[0].processes = {runner.pid: 700 * MIB, os.getpid(): 50 * MIB, 1 << 22: 30 * MIB}
    fake_nvml.write()

    assert ask("of", runner.pid) == 700 * MIB


def test_the_memory_of_what_ended_is_waited_for(
    fake_nvml: FakeNvml, ask: Ask, runner: "subprocess.Popen[bytes]"
) -> None:
    fake_nvml.gpus[0].processes = {runner.pid: 700 * MIB}
    fake_nvml.write()
    assert ask("of", runner.pid) == 700 * MIB
    assert ask("is_back")
    runner.kill()
    runner.wait(10)
    ask("expect_back", runner.pid)

    assert not ask("is_back")
    fake_nvml.gpus[0].processes = {}
    fake_nvml.write()
    assert ask("is_back")


def test_memory_that_never_comes_back_is_waited_for_in_vain_once(
    fake_nvml: FakeNvml, ask: Ask, runner: "subprocess.Popen[bytes]"
) -> None:
    fake_nvml.gpus[0].processes = {runner.pid: 700 * MIB}
    fake_nvml.write()
    ask("of", runner.pid)
    ask("expect_back", runner.pid)

    assert not ask("is_back")
    assert wait_for(lambda: ask("is_back"), 30)


def test_a_lost_card_has_nothing_free_and_ends_nobody(fake_nvml: FakeNvml, ask: Ask) -> None:
    total, free = ask("read")
    assert ask("fault") is None
    fake_nvml.gpus[0].fault = "lost"
    fake_nvml.write()
    assert ask("read") == [total, 0]
    assert ask("fault") == ["lost (GPU is lost): restart the machine", True]
    assert ask("is_back")
    fake_nvml.gpus[0].fault = None
    fake_nvml.write()

    assert ask("read") == [total, free]
    assert ask("fault") is None


def test_a_card_that_does_not_answer_is_not_gone(fake_nvml: FakeNvml, ask: Ask) -> None:
    ask("read")
    fake_nvml.gpus[0].fault = "forbidden"
    fake_nvml.write()
    ask("read")
    words, gone = ask("fault")
    assert words.startswith("forbidden (Insufficient Permissions): this user must be able to read and write")
    assert not gone
    fake_nvml.gpus[0].fault, fake_nvml.gpus[0].uuid = None, "GPU-another"
    fake_nvml.write()
    ask("read")
    assert ask("fault") == ["gone (Not Found): restart Headrace, it looks for GPUs at its start", True]


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
    assert memory.of(os.getpid()) is None
    assert memory.is_back()
