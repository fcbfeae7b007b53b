"""Asks ``workers.engines.probe`` about engines, in processes that may crash or hang: what they answered stays."""

import contextlib
import logging
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

import msgspec

from models.process.processes import end_within, spawn

log = logging.getLogger(__name__)


class ProbeAnswer(msgspec.Struct):
    """What a probe says of one engine; ``reason`` is empty where it works."""

    works: bool
    reason: str
    versions: dict[str, str] = {}


_LINE = msgspec.json.Decoder(dict[str, ProbeAnswer])
LAST_WORDS_S = 2.0
"""How long a process that closed its output may take to end."""
LAST_WORDS_BYTES = 2000
END_S = 5.0
"""How long a process that was killed may take to end; beyond it, it is stuck in the driver."""
CRASHES = frozenset({signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP})


def ask(
    interpreter: str, device: str, engines: Sequence[str], environment: Mapping[str, str], silence_s: float
) -> Iterator[tuple[str, str]]:
    """Each engine with the reason why it does not work on the device, which is empty where it does; as they come.

    An engine whose library ends the process, or does not answer for ``silence_s``, does not work; another process asks
    for those after it. Call from a thread that lives as long as this runs. Raises OSError if nothing can be started.
    """
    left = list(engines)
    while left:
        argv = [interpreter, "-m", "workers.engines.probe", device, *left]
        with tempfile.TemporaryFile() as errors:  # a pipe would fill, since nobody reads it meanwhile
            process = _ProbeProcess(argv, environment, errors, silence_s)
            for engine, answer in process.answers():
                if engine in left:
                    process.extend()
                    left.remove(engine)
                    yield engine, answer.reason
            if left:
                yield left.pop(0), process.end_reason


class _ProbeProcess:
    """One process that asks. It writes its errors into a file."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], errors: IO[bytes], silence_s: float
    ) -> None:
        self._silence_s = silence_s
        self._errors = errors
        self._silent = False
        self._unreadable = ""
        self._process = spawn(argv, env=environment, stdout=subprocess.PIPE, stderr=errors)
        self.extend()

    def extend(self) -> None:
        """Give it the time of an answer from now on: what it says beside answers buys none."""
        self._due = time.monotonic() + self._silence_s

    def answers(self) -> Iterator[tuple[str, ProbeAnswer]]:
        """What it says, until it ends, says nothing for too long, or says what no probe says."""
        try:
            for line in self._lines():
                yield from _LINE.decode(line).items()
        except msgspec.MsgspecError as error:
            self._unreadable = f"what it said cannot be read: {error}"
        finally:
            self._close()

    @property
    def end_reason(self) -> str:
        """Why there is no answer from it."""
        code = self._process.returncode
        if self._silent:
            stuck = "; the process that asked it is stuck in the driver" if code is None else ""
            return f"its library did not answer within {self._silence_s:g} s, and was given up{stuck}"
        if code is None:
            return "the process that asked it is stuck in the driver: it was killed and does not end"
        if code < 0 and not self._unreadable:
            name = signal.Signals(-code).name
            if -code not in CRASHES:
                return f"it was asked in a process that ended with {name}: the system does so where memory is short"
            return f"its library crashes on this device: the process that asked it ended with {name}"
        return f"the process that asked ended with code {code}: {self._unreadable or self._last_words()}"

    def _lines(self) -> Iterator[bytes]:
        assert self._process.stdout is not None
        pipe, rest = self._process.stdout.fileno(), b""
        while (left := self._due - time.monotonic()) > 0 and select.select([pipe], [], [], left)[0]:
            data = os.read(pipe, 1 << 16)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from lines
        self._silent = True

    def _close(self) -> None:
        """End its whole group."""
        assert self._process.stdout is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0 if self._silent else LAST_WORDS_S)
        if not end_within(self._process, END_S):
            log.error("process %s, which asked a library, is stuck in the driver: left aside", self._process.pid)
        self._process.stdout.close()

    def _last_words(self) -> str:
        """The last line that it wrote to stderr."""
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - LAST_WORDS_BYTES))
        lines = (line.strip() for line in self._errors.read().decode(errors="replace").splitlines())
        return next(reversed([line for line in lines if line]), "it said nothing")
