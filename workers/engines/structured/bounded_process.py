"""A child process that may hang or die of what it is given, as its parent sees it."""

import logging
import os
import signal
import socket
import subprocess
import sys

from models.errors import EngineFailure, HeadraceError, InvalidRequest
from models.process.processes import end, spawn
from workers.engines.structured.memory import MemoryWatch

_log = logging.getLogger(__name__)

TOO_COMPLEX = "this is too complex for an answer to be held to it"
_GUILTY = frozenset(
    -number for number in (signal.SIGXCPU, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL)
)
"""Exit codes that show that the process died of the grammar it was given."""
_GRACE_S = 1.0
_NO_GPUS = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
"""A library that opens a GPU takes memory there, and more address space than such a process may have."""


class BoundedProcess:
    """``python -m module FD``, where FD is the other end of ``socket``. Raises EngineFailure.

    It bounds its own memory and CPU time (``memory.limit_memory``), and says as it comes up whether its kernel took
    the bound on memory: ``came_up`` must then be called. Until then, and afterwards if the kernel did not, its resident
    memory is watched, and may not exceed ``memory`` bytes.
    """

    def __init__(self, module: str, memory: int) -> None:
        self.socket, theirs = socket.socketpair()
        self._module = module
        self.is_up = False
        """Whether it has come up, and so can be given grammars."""
        command = [sys.executable, "-m", module, str(theirs.fileno())]
        with theirs:
            try:
                self._process = spawn(
                    command, env=os.environ | _NO_GPUS, pass_fds=(theirs.fileno(),), death_signal=signal.SIGKILL
                )
            except OSError as error:
                self.socket.close()
                raise self._not_started(str(error)) from None
        self._watch = MemoryWatch(self._process, memory)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def came_up(self, *, bounded: bool) -> None:
        """Call this once it has said that it is ready; ``bounded``: its kernel bounds its memory."""
        self.is_up = True
        if bounded:
            self._watch.stop()

    def close(self) -> HeadraceError | None:
        """End it. Returns what the request must be told that it was busy with; None: that may be tried again.

        A process that never came up is a failure of ours. One that hung, or died of its bounds, was given too much.
        """
        self.socket.close()  # then it ends by itself, if it can
        try:
            code = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            code = None
            end(self._process.pid)
            self._process.wait()
        self._watch.stop()
        if not self.is_up:
            return self._not_started("it hung" if code is None else f"it ended with code {code}")
        if code is None or code in _GUILTY or self._watch.exceeded:
            return InvalidRequest(TOO_COMPLEX)
        return None

    def _not_started(self, why: str) -> EngineFailure:
        _log.error("%s could not be started: %s; what it wrote itself stands before this line", self._module, why)
        return EngineFailure(f"the process that checks grammars could not be started: {why}")
