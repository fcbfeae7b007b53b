"""Tries grammars out, in a process that may die of them (``workers.engines.llama_cpp.trial``)."""

import contextlib
import signal
import socket
import subprocess
import sys
from multiprocessing.connection import Connection

import msgspec

from models.errors import EngineFailure, InvalidRequest
from models.process.processes import end, spawn
from workers.engines.llama_cpp.trial import TrialAnswer

WAIT_S = 60.0
"""Longest wait for an answer. The process limits its own CPU time; this is for when it gets none."""
MOST_S = 0.5
"""Most CPU time of a trial: for so long the grammar would hold up the tokens of all other requests."""


class Trials:
    """The process that tries grammars, started when it is needed. For one thread, which it blocks."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[bytes, bytes] | None = None

    def run(self, grammar: str, param: str) -> list[TrialAnswer]:
        """Texts that llama.cpp generates under this grammar. Raises InvalidRequest where that takes it too long."""
        connection = self._start()
        try:
            connection.send_bytes(grammar.encode())
            if not connection.poll(WAIT_S):
                raise TimeoutError
            answers = msgspec.msgpack.decode(connection.recv_bytes(), type=list[TrialAnswer])
        except (EOFError, OSError):
            self.close()
            raise InvalidRequest("this is too complex for an answer to be held to it", param=param) from None
        if any(answer.cpu_s > MOST_S for answer in answers):
            raise InvalidRequest("this is too complex for an answer to be held to it", param=param)
        return answers

    def close(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                end(self._process.pid)
            self._process.wait()
        self._connection = self._process = None

    def _start(self) -> "Connection[bytes, bytes]":
        if self._connection is None:
            ours, theirs = socket.socketpair()
            with theirs:
                command = [sys.executable, "-m", "workers.engines.llama_cpp.trial", str(theirs.fileno())]
                try:
                    self._process = spawn(command, pass_fds=(theirs.fileno(),), death_signal=signal.SIGKILL)
                except OSError as error:
                    ours.close()
                    raise EngineFailure(f"the process that tries grammars cannot be started: {error}") from None
            self._connection = Connection(ours.detach())
        return self._connection
