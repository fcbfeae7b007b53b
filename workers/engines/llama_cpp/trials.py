"""Tries grammars out, in a process that may die of them (``workers.engines.llama_cpp.trial``)."""

import msgspec

from models.errors import InvalidRequest
from workers.engines.llama_cpp.trial import TrialAnswer
from workers.engines.structured.bounded_process import TOO_COMPLEX, BoundedProcess
from workers.engines.structured.grammar_wire import receive_bytes, send_bytes

WAIT_S = 60.0
"""Longest wait for an answer. The process limits its own CPU time; this is for when it gets none."""
MEMORY = 4 << 30
"""Bytes that the process may have resident where its kernel does not bound its memory."""
MOST_S = 0.5
"""Most CPU time of a trial: for so long the grammar would hold up the tokens of all other requests."""
_MISHAPS = 2
"""How many times the process may die for another reason than the grammar, before that is given up."""


class Trials:
    """The process that tries grammars, started when it is needed. For one thread, which it blocks."""

    def __init__(self) -> None:
        self._process: _Process | None = None

    def run(self, grammar: str, param: str) -> list[TrialAnswer]:
        """Texts that llama.cpp generates under this grammar.

        Raises InvalidRequest where that takes it too long, EngineFailure where it cannot be tried.
        """
        for _ in range(_MISHAPS + 1):
            answers = self._try(grammar, param)
            if answers is not None:
                break
        if answers is None or any(answer.cpu_s > MOST_S for answer in answers):
            raise InvalidRequest(TOO_COMPLEX, param=param)
        return answers

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()
        self._process = None

    def _try(self, grammar: str, param: str) -> list[TrialAnswer] | None:
        """See ``run``; None where the process died for another reason."""
        process = self._process = self._process or _Process()
        try:
            return process.ask(grammar)
        except OSError:
            fault, self._process = process.close(), None
        if fault is not None:
            raise type(fault)(fault.message, param=param)
        return None


class _Process(BoundedProcess):
    def __init__(self) -> None:
        super().__init__("workers.engines.llama_cpp.trial", MEMORY)
        self.socket.settimeout(WAIT_S)

    def ask(self, grammar: str) -> list[TrialAnswer]:
        """Have the grammar tried. Raises OSError where the process is gone, or silent for too long."""
        if not self.is_up:
            self.came_up(bounded=msgspec.msgpack.decode(receive_bytes(self.socket), type=bool))
        send_bytes(self.socket, grammar.encode())
        return msgspec.msgpack.decode(receive_bytes(self.socket), type=list[TrialAnswer])
