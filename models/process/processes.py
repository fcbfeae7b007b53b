"""Child processes that die with their parent, also when it is killed with ``SIGKILL``.

``spawn`` starts a command through a trampoline, this file run as a script::

    python processes.py PARENT_PID SIGNAL command...

which asks the kernel for SIGNAL when the parent ends (``PR_SET_PDEATHSIG``), makes sure that the parent has
not ended already, and becomes the command with ``execvp``. The setting survives the exec, so it works for any
program. Grandchildren do not inherit it: every process of ours must be started through ``spawn``.

Two things to know before calling it:

* The signal fires when the *thread* that called ``spawn`` ends, not only when the process does. Call it from
  the main thread or from one that lives as long as the child should.
* Only Linux has this setting. Elsewhere (macOS) a child outlives a parent killed with ``SIGKILL``; in every
  other case supervisor and worker stop their children themselves, by group.

This file imports the standard library only: the trampoline runs with ``-I -S``, and takes some 40 ms.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PARENT_GONE = 128 + signal.SIGTERM
COMMAND_NOT_FOUND = 127

Stream = int | IO[Any] | None

_stuck: set[subprocess.Popen[bytes]] = set()
"""Children that were killed and have not ended."""


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    pass_fds: Collection[int] = (),
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = None,
    stderr: Stream = None,
    cwd: str | Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start ``argv`` as the leader of its own session; it gets ``death_signal`` when the calling thread ends.

    The pid is the command's own (exec keeps it) and also its group's: ``kill_group`` ends the whole group. A
    command that does not exist ends with code 127, as in a shell. ``env`` replaces the environment.
    """
    trampoline = [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(death_signal))]
    return subprocess.Popen(
        [*trampoline, *argv],
        env=None if env is None else dict(env),
        pass_fds=tuple(pass_fds),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=cwd,
        start_new_session=True,  # a Ctrl-C at the terminal then reaches the supervisor alone
    )


def kill_group(pid: int, sig: int = signal.SIGKILL) -> bool:
    """Signal the process group that ``pid`` leads; False if no process of it is left."""
    # A zombie's group answers EPERM on macOS.
    try:
        os.killpg(pid, sig)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Kill a child with its group, and wait; False if it does not end, as where it is stuck in a driver.

    Such a child is kept aside. It is collected at a later call, once it has ended.
    """
    kill_group(process.pid)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        _stuck.add(process)
    for one in [one for one in _stuck.copy() if one.poll() is not None]:
        _stuck.discard(one)
    return process.returncode is not None


def group_lives(pid: int) -> bool:
    """Whether a process of the group that ``pid`` leads is left that runs; the group's zombies do not count."""
    if not kill_group(pid, 0):
        return False
    import psutil  # not at the top: the trampoline runs without site-packages

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == pid and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def end(pid: int) -> None:
    """Kill a process and its group, or the process alone where it leads none."""
    if not kill_group(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def become_subreaper() -> bool:
    """Make orphaned descendants children of this process, so that ``reap`` finds them; False off Linux."""
    return _prctl(PR_SET_CHILD_SUBREAPER, 1)


def reap(known: Collection[int], sig: int | None = None) -> list[int]:
    """Collect the ended children of this process that are not ``known``; returns the pids of the living ones.

    ``known`` are the children that a ``Popen`` waits for. If their exit status were taken here, each of their crashes
    would look like a clean end. The living children that are not known are sent ``sig`` if it is given.
    """
    alive: list[int] = []
    for pid in children() - set(known):
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0]:
                continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0 if sig is None else sig)
            alive.append(pid)
    return alive


def children() -> set[int]:
    """The pids of this process's direct children, with those that have ended and were not waited for yet."""
    threads = Path("/proc/self/task")
    try:
        return {int(pid) for thread in threads.iterdir() for pid in (thread / "children").read_text().split()}
    except OSError:  # no /proc, or a kernel without CONFIG_PROC_CHILDREN
        import psutil  # not at the top: the trampoline runs without site-packages

        return {child.pid for child in psutil.Process().children()}


def _prctl(option: int, value: int) -> bool:
    import ctypes  # not at the top: the import takes 5 ms

    prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)  # Linux alone has it
    return prctl is not None and prctl(option, value, 0, 0, 0) == 0


def _become(parent: int, death_signal: int, command: list[str]) -> int:
    """Replace this process by ``command``; an exit code if that fails."""
    _prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it ended before the kernel was asked
        return PARENT_GONE
    # Python ignores these two, and what is ignored stays ignored across an exec.
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr)
    return COMMAND_NOT_FOUND


if __name__ == "__main__":
    sys.exit(_become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
