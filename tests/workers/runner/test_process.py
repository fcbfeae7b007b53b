"""A runner as a real process, spoken to as its worker speaks."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.errors import HeadraceError, ReplicaLost
from models.process.processes import kill_group, spawn
from tests.support.nvml.stuck import stuck, until_stuck
from tests.support.servers import Valkey, wait_for
from workers import protocol
from workers.device import claimer, runner_process
from workers.device.runner_process import STUCK, Phase, RunnerProcess
from workers.protocol import DoJob, Ending, Event, JobEnded, Load, Ready
from workers.runner.__main__ import ENGINE_DEAD
from workers.runner_logs import last_words


def test_a_runner_that_lost_a_part_of_itself_ends(valkey: Valkey, tmp_path: Path) -> None:
    """What it cannot read ends its listening: it must not stay, deaf, and be taken for one that serves.

    Its jobs are to be tried again, but not by itself: that it ends is said before.
    """
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    command = [sys.executable, "-m", "workers.runner", str(theirs.fileno())]
    with ours, (tmp_path / "output").open("wb") as output:
        process = spawn(command, pass_fds=(theirs.fileno(),), stdout=output, stderr=subprocess.STDOUT)
        theirs.close()
        try:
            load = Load("r", "e", "u", "echo", "cpu", valkey.url, "", str(tmp_path), store=tmp_path.as_uri())
            ours.sendall(protocol.pack(load))
            events = _events(ours)
            assert any(isinstance(event, Ready) for event in events)
            body = {"model": "m", "prompt": "a b", "max_tokens": 100_000}
            ours.sendall(protocol.pack(DoJob("job", 1, "completions", 0, body)))
            ours.sendall(b"\0\0\0\1\xc1")  # a byte that msgpack never uses
            last = [event for event in events if isinstance(event, Ending | JobEnded)]
            assert process.wait(60) == ENGINE_DEAD
        finally:
            kill_group(process.pid)
            process.wait()
    assert "cannot serve again" in (tmp_path / "output").read_text()
    assert last[0] == Ending()
    [worked] = [event for event in last if isinstance(event, JobEnded)]
    assert worked.error is not None
    assert isinstance(HeadraceError.from_wire(worked.error), ReplicaLost)
    assert claimer._done(worked).again


def test_a_runner_that_speaks_nonsense_is_killed(tmp_path: Path) -> None:
    """The one thread that listens to it must not end before it."""
    babbler = tmp_path / "python"
    says = r"os.write(int(sys.argv[-2]), b'\0\0\0\1\xc1')"
    babbler.write_text(f"#!{sys.executable}\nimport os, sys, time\n{says}\ntime.sleep(600)\n")
    babbler.chmod(0o700)
    load = Load("r", "e", "u", "echo", "cpu", "redis://nowhere", "", str(tmp_path), store=tmp_path.as_uri())
    changes: list[Phase] = []
    runner = RunnerProcess(
        load,
        interpreter=str(babbler),
        visible=(),
        compiled=tmp_path,
        on_change=lambda changed: changes.append(changed.phase),
        on_job=lambda _: None,
    )
    try:
        wait_for(lambda: changes == [Phase.GONE], 60, lambda: str(changes))
        assert "SIGKILL" in str(runner.exit_reason)
    finally:
        runner.kill()


@pytest.mark.parametrize(
    ("engine", "visible", "segments"),
    [("echo", (), None), ("echo", ("GPU-1",), "expandable_segments:True"), ("vllm", ("GPU-1", "GPU-2"), None)],
)
def test_a_runner_keeps_what_it_compiles_unless_its_worker_says_where(
    engine: str, visible: tuple[str, ...], segments: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read from the environment of a process that was started as a runner is."""
    monkeypatch.setenv("TRITON_CACHE_DIR", "/mine")
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setenv("OF_BOTH", "worker")
    for name in ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "VLLM_CACHE_ROOT", "CUDA_DEVICE_ORDER"):
        monkeypatch.delenv(name, raising=False)
    tells = tmp_path / "python"
    tells.write_text(f"#!/bin/sh\nenv > {tmp_path}/environment\n")
    tells.chmod(0o700)
    load = Load("r", "e", "u", engine, "cpu", "redis://nowhere", "", str(tmp_path), store=tmp_path.as_uri())
    gone = threading.Event()
    runner = RunnerProcess(
        load,
        interpreter=str(tells),
        visible=visible,
        compiled=tmp_path / "compiled",
        envs={"OF_BOTH": "launch", "CUDA_VISIBLE_DEVICES": "GPU-9"},
        on_change=lambda changed: gone.set() if changed.phase is Phase.GONE else None,
        on_job=lambda _: None,
    )
    assert gone.wait(60)
    runner.kill()
    found = dict(line.split("=", 1) for line in (tmp_path / "environment").read_text().splitlines() if "=" in line)

    assert found["CUDA_VISIBLE_DEVICES"] == ",".join(visible)
    assert found["OF_BOTH"] == "launch"
    assert found["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert found["TRITON_CACHE_DIR"] == "/mine"
    assert found["VLLM_CACHE_ROOT"] == f"{tmp_path}/compiled/vllm"
    assert found.get("PYTORCH_CUDA_ALLOC_CONF") == segments


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (["loading\n", "x.cu:9: CUDA error: out of memory\n", "frame 1\n"], "CUDA error: out of memory"),
        (["GGML_ASSERT(n > 0) failed\n", "frame 1\n", "\n"], "GGML_ASSERT(n > 0) failed"),
        (["one\n", "two\n"], ""),
        ([], ""),
    ],
)
def test_the_last_words_of_a_crash_say_why(written: list[str], words: str) -> None:
    assert last_words(written).endswith(words)
    assert "frame" not in last_words(written)
    assert bool(last_words(written)) is bool(words)


def test_why_a_library_ended_the_runner_is_known(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """llama.cpp aborts the process where a GPU's memory runs out while it serves."""
    runner = _ended(tmp_path, f"os.write(2, b'{tmp_path}/ggml-cuda.cu:97: CUDA error: out of memory\\n'); os.abort()")

    assert "SIGABRT" in str(runner.exit_reason)
    assert "CUDA error: out of memory" in str(runner.exit_reason)
    assert "CUDA error: out of memory" in capfd.readouterr().err, "it is in the log all the same"


def test_a_signal_that_ended_the_runner_is_the_last_line_of_its_log(tmp_path: Path) -> None:
    runner = _ended(tmp_path, "os.write(2, b'loading\\n'); os.kill(os.getpid(), 9)")

    assert list(runner.last_lines) == ["loading\n", "the runner was ended by signal 9 (SIGKILL)\n"]
    assert str(runner.exit_reason) == "the runner was killed by SIGKILL"
    quiet = _ended(tmp_path, "os.write(2, b'loading\\n')")
    assert list(quiet.last_lines) == ["loading\n"]


def test_why_a_process_of_the_engine_ended_the_runner_is_known(tmp_path: Path) -> None:
    """vLLM's engine has a process of its own, whose errors go to stderr alone."""
    runner = _ended(tmp_path, "os.write(2, b'RuntimeError: CUDA error: device-side assert\\nbye\\n'); sys.exit(71)")

    assert str(runner.exit_reason) == "the runner ended with code 71: RuntimeError: CUDA error: device-side assert"


def test_why_an_engine_cannot_serve_again_is_known(valkey: Valkey, tmp_path: Path) -> None:
    lost = "from workers.engines.echo import Echo; Echo.alive = lambda self: False; "
    lost += "Echo.fault = lambda self: 'CUDA error: device-side assert triggered'; "
    runs = "import runpy; sys.path.insert(0, os.getcwd()); sys.argv = sys.argv[2:]; "
    runner = _ended(tmp_path, f"{runs}{lost}runpy.run_module('workers.runner', run_name='__main__')", valkey.url)

    assert isinstance(runner.exit_reason, ReplicaLost)
    assert str(runner.exit_reason) == "the engine failed: CUDA error: device-side assert triggered"


@pytest.mark.parametrize("act", ["kill", "stop"])
def test_a_runner_that_is_stuck_in_the_driver_is_left_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """It keeps its socket, and nobody can end it: its turn and its worker go on without it."""
    monkeypatch.setattr(runner_process, "GROUP_GONE_S", 0.5)
    with stuck(tmp_path) as made:
        gone = threading.Event()
        runner = _started(tmp_path, f"{made.program}\nimport time; time.sleep(600)", gone)
        ended = threading.Event()
        turn = contextlib.ExitStack()
        turn.callback(ended.set)
        until_stuck(made)
        runner.begin(turn)
        getattr(runner, act)()
        assert gone.wait(60)
        assert ended.is_set()
        assert str(runner.exit_reason) == STUCK


def test_a_load_that_is_given_up_says_why(valkey: Valkey, tmp_path: Path) -> None:
    gone = threading.Event()
    options = {"load_s": 600.0}
    load = Load(
        "r",
        "e",
        "u",
        "echo",
        "cuda:0",
        valkey.url,
        "",
        str(tmp_path),
        options,
        store=tmp_path.as_uri(),
        takes_turns=True,
    )
    runner = RunnerProcess(
        load,
        interpreter="",
        visible=("GPU-1",),
        compiled=tmp_path,
        on_change=lambda changed: gone.set() if changed.phase is Phase.GONE else None,
        on_job=lambda _: None,
    )
    try:
        wait_for(lambda: runner.fetched, 60)
        late = time.monotonic() + 10_000
        assert not runner.clock.overdue(1, late), "it waits for its turn"
        runner.begin(contextlib.ExitStack())
        wait_for(lambda: runner.stage == "loading", 60)
        assert "the load took longer" in runner.clock.overdue(1, late)
        runner.give_up(ReplicaLost("the load took longer than it may"), permanent=False)
        runner.give_up(ReplicaLost("it did so again"), permanent=True)
        assert gone.wait(60)
    finally:
        runner.kill()
    assert str(runner.exit_reason) == "the load took longer than it may"
    assert runner.failed is not None
    assert not runner.failed.permanent


def test_the_time_of_a_load_without_turns_begins_when_its_weights_are_here(valkey: Valkey, tmp_path: Path) -> None:
    load = Load("r", "e", "u", "echo", "cpu", valkey.url, "", str(tmp_path), {"load_s": 600.0}, store=tmp_path.as_uri())
    runner = RunnerProcess(
        load, interpreter="", visible=(), compiled=tmp_path, on_change=lambda _: None, on_job=lambda _: None
    )
    try:
        assert "fetching" in runner.clock.overdue(1, time.monotonic() + 10_000)
        wait_for(lambda: runner.stage == "loading", 60)
        assert "the load took longer" in runner.clock.overdue(1, time.monotonic() + 10_000)
    finally:
        runner.stop()


def _ended(tmp_path: Path, program: str, redis: str = "redis://nowhere") -> RunnerProcess:
    """A runner that ran this program, once it is gone."""
    gone = threading.Event()
    runner = _started(tmp_path, program, gone, redis)
    try:
        assert gone.wait(60)
    finally:
        runner.kill()
    return runner


def _started(tmp_path: Path, program: str, gone: threading.Event, redis: str = "redis://nowhere") -> RunnerProcess:
    """A runner that runs this program. ``gone`` is set when it is."""
    interpreter = tmp_path / "python"
    interpreter.write_text(f"#!{sys.executable}\nimport os, sys\n{program}\n")
    interpreter.chmod(0o700)
    return RunnerProcess(
        Load("r", "e", "u", "echo", "cpu", redis, "", str(tmp_path), store=tmp_path.as_uri()),
        interpreter=str(interpreter),
        visible=(),
        compiled=tmp_path,
        on_change=lambda changed: gone.set() if changed.phase is Phase.GONE else None,
        on_job=lambda _: None,
    )


def _events(connection: socket.socket) -> Iterator[Event]:
    """What a runner says, until it closes its socket."""
    unpacker = protocol.Unpacker()
    while data := connection.recv(1 << 16):
        yield from map(protocol.decode_event, unpacker.feed(data))
