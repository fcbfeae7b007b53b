"""Bounds on memory: the kernel's, and the watch that stands in for it on a system like macOS."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from models.errors import EngineFailure, InvalidRequest
from tests.support import mac
from workers.engines.structured import grammars
from workers.engines.structured.bounded_process import BoundedProcess
from workers.engines.structured.grammar_wire import BYTES, Grammar, Part
from workers.engines.structured.grammars import Checker, Masks, Walk
from workers.engines.structured.memory import MemoryWatch

pytest.importorskip("llguidance")

MIB = 1 << 20
GROWS = f"""
import sys
sys.stdin.read(1)
held = [b"x" * {64 * MIB} for _ in range(32)]  # each holds the interpreter for as long as it takes
print("grown", flush=True)
sys.stdin.read(1)
"""
LIMITED = "from workers.engines.structured.memory import limit_memory; print(limit_memory(1 << 30)); b'x' * (2 << 30)"
EATS_MEMORY = Grammar("start: @form", (Part("form", "json", "[" + ",".join(["[]"] * 3_000_000) + "]"),))
"""Some 300 MiB, in a process that takes 40 without it."""
A_WORD = Grammar("start: @form", (Part("form", "regex", "[a-z]{9}"),))


@pytest.fixture
def as_on_a_mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Processes that are started from here on lack what macOS lacks; the folder of its switches."""
    for name, value in mac.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def started(script: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def go(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.write(b"x")
    process.stdin.flush()


def test_a_process_that_takes_too_much_is_killed() -> None:
    with started(GROWS) as process:
        watch = MemoryWatch(process, 256 * MIB)
        go(process)
        assert process.wait() == -9
        assert watch.exceeded


def test_a_process_that_is_not_watched_any_more_is_left_alone() -> None:
    with started(GROWS.replace("range(32)", "range(4)")) as process:
        watch = MemoryWatch(process, 128 * MIB)
        watch.stop()
        go(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"grown\n"
        go(process)
        assert process.wait() == 0
        assert not watch.exceeded


def test_the_kernel_bounds_memory_where_it_can() -> None:
    said = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=False)

    assert said.stdout == "True\n"
    assert "MemoryError" in said.stderr


@pytest.mark.usefixtures("as_on_a_mac")
def test_it_says_where_the_kernel_cannot() -> None:
    said = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=False)

    assert (said.stdout, said.returncode) == ("False\n", 0)


@pytest.mark.usefixtures("as_on_a_mac")
def test_a_grammar_that_eats_memory_is_refused_there_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammars, "MEMORY", 150 * MIB)
    masks = Masks(BYTES)
    good, bad = Walk(masks, A_WORD, "x"), Walk(masks, EATS_MEMORY, "response_format")
    try:
        assert good.look()
        pid = masks.start().pid
        assert not bad.look()
        assert isinstance(bad.fault, InvalidRequest)
        assert "too complex" in bad.fault.message
        assert bad.fault.param == "response_format"
        assert bad.lost == 1, "it is not tried again"
        good.take(ord("a"))
        assert good.look()
        assert masks.start().pid != pid
    finally:
        masks.close()


def test_a_process_that_the_kernel_bounds_is_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammars, "MEMORY", 150 * MIB)
    checker = Checker(BYTES)
    try:
        assert checker.check(A_WORD) is None
        fault = checker.check(EATS_MEMORY)
    finally:
        checker.close()

    assert fault is not None
    assert "schema must be an object" in fault.message


def test_a_checker_that_cannot_start_is_our_failure_and_is_tried_again(as_on_a_mac: Path) -> None:
    (as_on_a_mac / "no-limits").touch()
    checker = Checker(BYTES)
    try:
        fault = checker.check(A_WORD)
        assert isinstance(fault, EngineFailure)
        assert "could not be started: it ended with code 1" in fault.message
        (as_on_a_mac / "no-limits").unlink()
        assert checker.check(A_WORD) is None
    finally:
        checker.close()


def test_it_opens_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-1")
    process = BoundedProcess("workers.engines.structured.grammar_process", 1000 * MIB)
    try:
        assert psutil.Process(process.pid).environ()["CUDA_VISIBLE_DEVICES"] == ""
    finally:
        process.close()


def test_a_program_that_is_not_there_is_our_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")

    with pytest.raises(EngineFailure, match="could not be started"):
        BoundedProcess("workers.engines.structured.grammar_process", MIB)
