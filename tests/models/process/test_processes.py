"""Children that die with their parent, and the devices of this machine."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from models.process import processes
from tests.support.nvml.stuck import stuck, until_stuck
from tests.support.servers import wait_for

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")

PARENT = """
import subprocess, sys, time
from models.process.processes import spawn
child = spawn([sys.executable, "-c", {child!r}])
print(child.pid, flush=True)
time.sleep(60)
"""
SLEEPER = "import time; time.sleep(60)"


def dead(pid: int) -> bool:
    """Whether it has ended; a zombie that its new parent has not collected yet has."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@linux
def test_a_child_dies_with_its_killed_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(child=SLEEPER)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    with parent:
        child = int(parent.stdout.readline())
        assert not dead(child)
        parent.kill()
    wait_for(lambda: dead(child), 5)


@linux
def test_a_parent_that_is_gone_already_is_noticed() -> None:
    """The kernel's wish comes too late then; the command must not start."""
    orphan = subprocess.run(
        [sys.executable, processes.__file__, "1", "15", "echo", "started"], capture_output=True, check=False
    )
    assert orphan.returncode == processes.PARENT_GONE
    assert orphan.stdout == b""


def test_the_command_gets_descriptors_environment_and_a_session_of_its_own(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    script = f'echo "$WORD $$ $(pwd)" > /dev/fd/{writer}'
    child = processes.spawn(["sh", "-c", script], env={**os.environ, "WORD": "hello"}, pass_fds=[writer], cwd=tmp_path)
    os.close(writer)
    assert child.wait(10) == 0
    with open(reader) as pipe:
        assert pipe.read() == f"hello {child.pid} {tmp_path}\n"  # the trampoline has become the shell


def test_signals_that_python_ignores_are_as_usual_in_the_command() -> None:
    script = "import signal, sys; sys.exit(signal.getsignal(signal.SIGXFSZ) != signal.SIG_IGN)"
    assert processes.spawn([sys.executable, "-c", script]).wait(10) == 0  # python ignores it again itself
    shell = processes.spawn(["sh", "-c", "kill -PIPE $$; sleep 1"])
    assert shell.wait(10) == -signal.SIGPIPE


def test_a_missing_command_says_so(tmp_path: Path) -> None:
    with open(tmp_path / "err", "wb") as err:
        child = processes.spawn(["no-such-command"], stderr=err)
    assert child.wait(10) == processes.COMMAND_NOT_FOUND
    assert "cannot start no-such-command: No such file" in (tmp_path / "err").read_text()


def test_kill_group_ends_what_the_command_started() -> None:
    child = processes.spawn(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE)
    assert child.stdout
    with child:
        grandchild = int(child.stdout.readline())
        assert processes.kill_group(child.pid)
    wait_for(lambda: dead(grandchild), 5)
    alone = processes.spawn(["true"])
    alone.wait(10)
    assert not processes.kill_group(alone.pid), "nobody is left of it"


def test_a_process_that_does_not_end_is_kept_aside_and_collected_later(tmp_path: Path) -> None:
    with stuck(tmp_path) as made:
        child = processes.spawn([sys.executable, "-c", f"{made.program}\nimport time; time.sleep(600)"])
        until_stuck(made)
        assert not processes.end_within(child, 0.2)
        assert child in processes._stuck
    other = processes.spawn(["sleep", "60"])
    assert processes.end_within(other, 60)
    wait_for(lambda: processes.end_within(other, 0) and child not in processes._stuck, 30)
    assert child.returncode == -signal.SIGKILL


@linux
def test_a_subreaper_finds_and_ends_orphans() -> None:
    """In a process of its own: being a subreaper cannot be undone."""
    script = """
import subprocess, signal, time
from models.process import processes
assert processes.become_subreaper()
known = processes.spawn(["sleep", "60"])
processes.spawn(["sh", "-c", "setsid sleep 60 & exit 3"]).wait()
[orphan] = processes.reap({known.pid})
assert processes.reap({known.pid}, signal.SIGKILL) == [orphan]
deadline = time.monotonic() + 5
while processes.reap({known.pid}):
    assert time.monotonic() < deadline
processes.end(known.pid)
assert known.wait() == -9, "its exit code was not taken from under it"
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, timeout=30)
