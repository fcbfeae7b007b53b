"""What a worker says of its runners (workers.device.staying.presences)."""

from types import SimpleNamespace
from typing import cast

from workers.device.runner_process import Phase, RunnerProcess
from workers.device.staying.presences import Presences
from workers.protocol import Stats


def test_memory_of_the_machine_and_files_in_it_are_as_the_runner_says() -> None:
    runner = SimpleNamespace(
        load=SimpleNamespace(replica="m-0", uid="m"),
        epoch="e",
        phase=Phase.LOADING,
        clock=SimpleNamespace(since=0.0),
        stats=Stats(0, 0, 4000, {}, mapped_bytes=3000),
        **dict.fromkeys(("ready", "limit", "ready_at", "download")),
        **dict.fromkeys(("inflight", "asked_at", "job_at", "pid"), 0),
        leaving=False,
    )
    [said] = Presences(lambda _: 70, lambda _: False).of([cast(RunnerProcess, runner)])
    assert (said.memory_bytes, said.host_bytes, said.mapped_bytes) == (70, 4000, 3000)
