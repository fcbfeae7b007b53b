"""One supervised process: how it is started, when it is started again, and when it is given up.

starting ──probe answered──▶ running ──stop──▶ stopping ──▶ stopped
    │  ▲                        │
    │  └──────delay over──── waiting ◀──died, or hung and killed
    └──────────────────────────▲  └──too often──▶ failed

A process that ends with ``absent_code`` has not died: what it works on is not there, and is looked for again.
"""

import itertools
import os
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from models.process import processes

State = Literal["starting", "running", "waiting", "stopping", "stopped", "failed"]
Probe = Callable[[float], Awaitable[bool | None]]
"""Whether the process, which was started so many seconds ago, answers. Never raises.

None if that is not known, since the server through which it is asked is down itself.
"""

ABSENT_S = 30.0
"""How long after a process missed what it works on, it looks for it again."""
KEPT_LOGS = 3
LOG_BYTES = 64 << 20


MISSES = 2
"""Probes in a row that a process must leave without an answer before it counts as hung."""


@dataclass(frozen=True)
class Spec:
    """What to run. Durations are seconds."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    phase: int
    """Phases stop one after the other, the lowest first; the processes of one phase stop together."""
    grace_s: float
    """How long it may take to stop before its group is killed."""
    probe: Probe | None = None
    patience_s: float = 15
    """A process that has not answered for this long hangs."""
    startup_s: float = 120
    """The same, while it has not answered for the first time yet."""
    absent_code: int | None = None
    """The exit code with which it says that what it works on is not there: not a death."""


@dataclass
class Backoff:
    """When a process that died may start again."""

    first_s: float = 0.5
    longest_s: float = 30
    deaths: int = 5
    within_s: float = 60
    _recent: deque[float] = field(default_factory=deque)
    _delay: float = 0

    def died(self, now: float) -> float | None:
        """The delay in seconds before the next start; None if it has died too often and should not start again."""
        if not self._recent or now - self._recent[-1] > self.within_s:
            self._delay = self.first_s
        else:
            self._delay = min(self.longest_s, self._delay * 2)
        self._recent.append(now)
        while now - self._recent[0] > self.within_s:
            self._recent.popleft()
        return None if len(self._recent) >= self.deaths else self._delay


class Child:
    """A process and its history. No method waits; ``now`` is ``time.monotonic()``."""

    def __init__(self, spec: Spec, logs: Path, backoff: Backoff) -> None:
        self.spec = spec
        self.log = logs / f"{spec.name}.log"
        self.state: State = "stopped"
        self.restarts = 0
        self.absent = False
        """Whether what it works on was not there when it last looked."""
        self.exit_code: int | None = None
        self.started = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._backoff = backoff
        self._restart_at = 0.0
        self._answered_at = 0.0
        self._misses = 0

    @property
    def pid(self) -> int:
        """Its pid; 0 while there is no process."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start the process, its output appended to its log."""
        with self._output() as log:
            self._process = processes.spawn(
                self.spec.argv,
                env=self.spec.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                death_signal=signal.SIGKILL,  # stopping in order would be useless: the broker ends at the same moment
            )
        self.started = self._answered_at = time.monotonic()
        self._misses = 0
        self.state = "starting" if self.spec.probe else "running"

    def _output(self) -> IO[bytes]:
        """Its log, open for what it writes; nothing's, where the disk is full."""
        try:
            return open(self.log, "ab")
        except OSError:
            return open(os.devnull, "ab")

    def poll(self, now: float) -> float | None:
        """Notice whether it has died, and start it again when that is due.

        Returns the seconds until its next start if it has died since the last call and will start again, else None.
        What is absent is reported so once, until it has been there again.
        """
        if self._process is None:
            if self.state == "waiting" and now >= self._restart_at:
                self.restarts += 1
                self.start()
            return None
        if (code := self._process.poll()) is None:
            return None
        processes.kill_group(self.pid)  # the processes that it left behind in its group
        self._process, self.exit_code = None, code
        if self.state == "stopping":
            self.state = "stopped"
            return None
        if code == self.spec.absent_code:
            noticed, self.absent = self.absent, True
            self.state, self._restart_at = "waiting", now + ABSENT_S
            return None if noticed else ABSENT_S
        delay = self._backoff.died(now)
        if delay is None:
            self.state = "failed"
            return None
        self.state, self._restart_at = "waiting", now + delay
        return delay

    def take_answer(self, answer: bool | None, now: float) -> None:
        """Take a probe's answer. Where the answer is not known (None), its time without an answer begins anew."""
        self._misses = self._misses + 1 if answer is False else 0
        if answer is not False:
            self._answered_at = now
        if answer and self.state == "starting":
            self.state, self.absent = "running", False

    def hung(self, now: float) -> bool:
        """Whether it lives, but has not answered for too long, and has left several probes without an answer.

        A single probe says little: one that was sent just before a short pause may be the last within ``patience_s``.
        """
        limits = {"starting": self.spec.startup_s, "running": self.spec.patience_s}
        if self.spec.probe is None or self._process is None:
            return False
        return self._misses >= MISSES and now - self._answered_at > limits.get(self.state, float("inf"))

    def gone(self, now: float) -> bool:
        """Whether it has ended and will not start again. Polls."""
        self.poll(now)
        return self.state in ("stopped", "failed")

    def expect_end(self) -> None:
        """Do not start it again when it ends: that is what it is for."""
        self.state = "stopping"

    def terminate(self) -> None:
        """Ask it to stop, and do not start it again."""
        if self._process is None:
            self.state = "stopped" if self.state != "failed" else "failed"
            return
        self.state = "stopping"
        self._process.terminate()  # the process alone: it decides in what order its own children stop

    def kill(self) -> None:
        """Kill its whole group now. Unless it was asked to stop, it will be started again."""
        if self._process is not None:
            processes.kill_group(self.pid)

    def describe_exit(self) -> str:
        """How it ended, in words."""
        code = self.exit_code
        if self.absent:
            return "is not at work: " + " ".join(tail(self.log, lines=1))
        if code is not None and code < 0:
            return f"was ended by signal {-code} ({signal.strsignal(-code)})"
        return f"ended with code {code}"


def rotate(log: Path) -> None:
    """Make room for a new log: ``x.log`` becomes ``x.log.1``, and so on; the oldest is dropped."""
    _shift(log, log)


def _shift(newest: Path, log: Path) -> None:
    names = [newest, *(log.with_name(f"{log.name}.{number}") for number in range(1, KEPT_LOGS + 1))]
    for newer, older in reversed(list(itertools.pairwise(names))):
        if newer.exists():
            os.replace(newer, older)


def trim(log: Path, most_bytes: int = LOG_BYTES) -> None:
    """Rotate a log that is being written, once it is too long. It may be truncated, since its writers append to it.

    Where the disk has no room for its copy, it is only truncated.
    """
    if not log.exists() or log.stat().st_size <= most_bytes:
        return
    copy = log.with_name(f"{log.name}.cut")
    try:
        shutil.copyfile(log, copy)
    except OSError:
        copy.unlink(missing_ok=True)
    os.truncate(log, 0)
    if copy.exists():
        _shift(copy, log)


def tail(log: Path, lines: int = 15) -> list[str]:
    """The last lines of a log."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]
