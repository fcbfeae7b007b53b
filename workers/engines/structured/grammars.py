"""Grammars as an engine uses them: a check before generation, and for each choice the tokens that may come next.

Each of the two asks a process of its own (``grammar_process``). Where a grammar makes such a process hang or die, it is
ended and a new one is started. The walks that were under way go on from where they were, except the one at fault.
"""

import contextlib
import re
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count

from models.errors import EngineFailure, HeadraceError, InvalidRequest
from workers.engines.structured.bounded_process import TOO_COMPLEX, BoundedProcess
from workers.engines.structured.grammar_wire import (
    Forget,
    Grammar,
    Mask,
    Message,
    Move,
    Prepared,
    Setup,
    receive_answer,
    send,
)

WAIT_S = 60.0
"""Longest wait for an answer. The process limits its own CPU time; this is for when it gets none."""
MEMORY = 4 << 30
"""Bytes that the process may have resident where its kernel does not bound its memory."""
REMEMBERED = 1024
_PLACE = re.compile(r"^at \d+\(\d+\): (?:failed to compile JSON schema: )?")
"""Where the compiler met an error, in a text that is ours."""
_MISHAPS = 2
"""How many times a process may die for another reason while a walk waits, before that walk is given up."""
_ids = count()


@dataclass(eq=False, slots=True)
class Walk:
    """One choice's way through a grammar. ``param``: the field of the request that asked for it.

    ``bits`` has one bit for each token, from the lowest id on: whether it may come next. None: not known yet. A walk
    with a ``fault`` cannot go on.
    """

    masks: "Masks"
    grammar: Grammar
    param: str
    id: int = field(default_factory=lambda: next(_ids))
    tokens: list[int] = field(default_factory=list)
    bits: bytes | None = None
    fault: HeadraceError | None = None
    known: int = -1  # the process that knows this walk, by number
    sent: int = 0  # how many of the tokens were sent to that process
    lost: int = 0  # how many processes died while it waited

    def look(self) -> bytes:
        """Which tokens may come next, see ``bits``; empty if there is a fault. Waits for the answer."""
        self.masks.find(self)
        return (self.bits or b"") if self.fault is None else b""

    def take(self, token: int) -> None:
        """This token was picked. Begins to find what may follow it, without waiting."""
        self.tokens.append(token)
        self.bits = None
        if self.fault is None:
            self.masks.ask(self)

    def leave(self) -> None:
        """The walk is over. May be called from any thread."""
        self.masks.forget(self)


class Grammars:
    """Checks and follows the grammars of one engine. ``setup`` is called when the first grammar is to be checked."""

    def __init__(self, setup: Callable[[], Setup]) -> None:
        self._setup = setup
        self._masks: Masks | None = None
        self._checker: Checker | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="grammars")

    def check(self, grammar: Grammar, param: str, then: Callable[[HeadraceError | None], None]) -> None:
        """Call ``then`` with what is wrong with this grammar, or None: at once if it is known, else in a thread."""
        known = self._checker.verdicts.get(grammar) if self._checker is not None else None
        if known is None:
            self._thread.submit(self._check, grammar, param, then)
        else:
            then(_about(param, known.fault))

    def walk(self, grammar: Grammar, param: str) -> "Walk":
        """Begin a walk through a grammar that was checked."""
        assert self._masks is not None
        return Walk(self._masks, grammar, param)

    def close(self) -> None:
        """End the processes."""
        self._thread.shutdown(cancel_futures=True)
        for part in (self._masks, self._checker):
            if part is not None:
                part.close()

    def _check(self, grammar: Grammar, param: str, then: Callable[[HeadraceError | None], None]) -> None:
        try:
            if self._checker is None or self._masks is None:
                setup = self._setup()
                self._masks, self._checker = Masks(setup), Checker(setup)
            self._masks.start()
            fault = self._checker.check(grammar)
        except HeadraceError as error:
            fault = error
        then(_about(param, fault))


def _about(param: str, fault: HeadraceError | None) -> HeadraceError | None:
    return None if fault is None else type(fault)(fault.message, param=param)


class Masks:
    """Finds which tokens may come next. To be used by one thread, except for ``start`` and ``forget``."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._process: _Process | None = None
        self._number = 0
        self._starting = threading.Lock()
        self._asked: deque[Walk] = deque()
        self._over: deque[int] = deque()

    def start(self) -> "_Process":
        """Start the process before it is needed, since it takes a second to come up. Raises EngineFailure."""
        with self._starting:
            if self._process is None:
                self._process = _Process(self._setup)
                self._number += 1
            return self._process

    def ask(self, walk: Walk) -> None:
        """Ask which tokens may come next, without waiting; ``find`` waits for the answer."""
        try:
            process = self.start()
        except EngineFailure as error:
            walk.fault = error
            return
        messages: list[Message] = []
        if self._over:
            messages.append(Forget([self._over.popleft() for _ in range(len(self._over))]))
        fresh = walk.known != self._number
        messages.append(Move(walk.id, walk.tokens[0 if fresh else walk.sent :], walk.grammar if fresh else None))
        walk.known, walk.sent = self._number, len(walk.tokens)
        self._asked.append(walk)
        process.send(messages)

    def find(self, walk: Walk) -> None:
        """Wait until this walk has its bits, or a fault."""
        while walk.bits is None and walk.fault is None:
            if walk not in self._asked:
                self.ask(walk)
            self._receive()

    def forget(self, walk: Walk) -> None:
        """The walk is over. May be called from any thread."""
        self._over.append(walk.id)

    def close(self) -> None:
        """End the process."""
        with self._starting:
            if self._process is not None:
                self._process.close()
                self._process = None

    def _receive(self) -> None:
        """Take the next answer. Answers come in the order of the questions."""
        if self._process is None or not self._asked:
            return
        try:
            mask = self._process.receive()
        except OSError:
            self._replace_process(self._asked[0], self._process)
            return
        walk = self._asked.popleft()
        walk.bits = mask.bits
        if mask.error:
            walk.fault = InvalidRequest(f"no answer can be held to this: {_brief(mask.error)}", param=walk.param)

    def _replace_process(self, walk: Walk, process: "_Process") -> None:
        """Give up a process that died or hangs at this walk's move. The next one is started when it is needed.

        Walks that wait are asked about again then.
        """
        fault = process.close()
        self._process = None
        self._asked.clear()
        walk.lost += 1
        if fault is None and walk.lost > _MISHAPS:
            fault = InvalidRequest(TOO_COMPLEX)
        walk.fault = _about(walk.param, fault)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check: what is wrong with the grammar, or None."""

    fault: HeadraceError | None


class Checker:
    """Finds out whether a grammar can be followed at all. For one thread, which it blocks.

    Any thread may read ``verdicts``.
    """

    def __init__(self, setup: Setup) -> None:
        self.verdicts: dict[Grammar, Verdict] = {}
        self._masks = Masks(setup)

    def check(self, grammar: Grammar) -> HeadraceError | None:
        """What is wrong with it: it is not a grammar, or no text follows it, or it is too complex. None: nothing."""
        if (known := self.verdicts.get(grammar)) is not None:
            return known.fault
        walk = Walk(self._masks, grammar, "")
        walk.look()
        walk.leave()
        if not isinstance(walk.fault, EngineFailure):
            self.verdicts[grammar] = Verdict(walk.fault)
        if len(self.verdicts) > REMEMBERED:
            del self.verdicts[next(iter(self.verdicts))]
        return walk.fault

    def close(self) -> None:
        """End the process."""
        self._masks.close()


class _Process(BoundedProcess):
    def __init__(self, setup: Setup) -> None:
        super().__init__("workers.engines.structured.grammar_process", MEMORY)
        self.socket.settimeout(WAIT_S)
        self.send([setup])

    def send(self, messages: list[Message]) -> None:
        with contextlib.suppress(OSError):  # it is dead, which shows when its answer is waited for
            send(self.socket, messages)

    def receive(self) -> Mask:
        """The next mask. Raises OSError where the process is gone, or silent for too long."""
        while isinstance(answer := receive_answer(self.socket), Prepared):
            self.came_up(bounded=answer.bounded)
        return answer


def _brief(error: str) -> str:
    if "NoExtension" in error:
        return "there is nothing that obeys it"
    error = _PLACE.sub("", error.replace("<non-verbose/>", ""))
    lines = [line.strip() for line in error.splitlines()]
    return " ".join(line for line in lines if line)[:300]
