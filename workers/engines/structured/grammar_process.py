"""The process that follows grammars, with llguidance: ``python -m workers.engines.structured.grammar_process FD``.

llguidance limits nearly all of its computations, but not all: a schema whose patterns are intersected can keep it busy
with one mask for ever, and a long chain of rules overflows the stack. So it runs in this process, which is ended where
one move takes longer than ``CPU_S``, or needs more than ``MEMORY``: by the kernel, or by the runner where the kernel
cannot bound memory. Then the runner knows which move was at fault.
"""

import json
import math
import resource
import socket
import sys
from collections import OrderedDict

from llguidance import LLMatcher, LLParserLimits, LLTokenizer, grammar_from, regex_to_lark

from workers.engines.structured.grammar_wire import (
    Forget,
    Grammar,
    Mask,
    Message,
    Move,
    Part,
    Prepared,
    Setup,
    receive_messages,
    send,
)
from workers.engines.structured.memory import limit_memory

CPU_S = 2
"""CPU time of one move. The kernel counts whole seconds, so it may be up to one second more."""
MEMORY = 4 << 30
"""Bytes of address space; resident ones where the kernel does not bound that."""
COMPILED = 64
"""Grammars kept compiled."""
_LIMITS = LLParserLimits(max_items_in_row=20_000, max_lexer_states=100_000, verbose_errors=False)


class Follower:
    """Follows the grammars of one engine: a matcher of llguidance for each walk."""

    def __init__(self, setup: Setup) -> None:
        self._tokenizer = LLTokenizer(setup.tokenizer, n_vocab=setup.vocabulary, eos_token=setup.ends)
        self._compiled: OrderedDict[Grammar, LLMatcher] = OrderedDict()
        self._walks: dict[int, LLMatcher] = {}

    def move(self, move: Move) -> Mask:
        """Go on with a walk. Returns which tokens may come next."""
        try:
            if move.grammar is not None:
                self._walks[move.walk] = self._start(move.grammar)
        except (ValueError, RecursionError, OverflowError) as error:
            return Mask(move.walk, b"", str(error) or "it cannot be read")
        walk = self._walks.get(move.walk)
        if walk is None:
            return Mask(move.walk, b"", "this walk is over")
        if move.tokens:
            walk.consume_tokens(move.tokens)
        bits = walk.compute_bitmask()
        return Mask(move.walk, bits, walk.get_error())

    def forget(self, walks: list[int]) -> None:
        """Forget these walks: they are over."""
        for walk in walks:
            self._walks.pop(walk, None)

    def _start(self, grammar: Grammar) -> LLMatcher:
        matcher = self._compiled.get(grammar)
        if matcher is None:
            matcher = LLMatcher(self._tokenizer, _as_json(grammar), log_level=0, limits=_LIMITS)
            if matcher.is_error():
                raise ValueError(matcher.get_error())
            self._compiled[grammar] = matcher
            if len(self._compiled) > COMPILED:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(grammar)
        return matcher.deep_copy()


def _as_json(grammar: Grammar) -> str:
    """The grammar in the JSON that llguidance reads. Raises ValueError, RecursionError."""
    return json.dumps({"grammars": [{"lark_grammar": grammar.lark}, *map(_part, grammar.parts)]})


def _part(part: Part) -> dict[str, object]:
    if part.kind == "json":
        return {"name": part.name, "json_schema": json.loads(part.text)}
    if part.kind == "regex":
        return {"name": part.name, "lark_grammar": f"start: /{regex_to_lark(part.text, 'dw')}/"}
    return {"name": part.name, "lark_grammar": grammar_from("grammar", part.text)}


def main(to: socket.socket) -> None:
    """Serve until the other side is gone."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    bounded = limit_memory(MEMORY)
    follower: Follower | None = None
    while True:
        try:
            messages: list[Message] = receive_messages(to)
        except OSError:
            return
        for message in messages:
            if isinstance(message, Setup):
                follower = Follower(message)
                send(to, Prepared(bounded))
            elif follower is not None and isinstance(message, Move):
                _limit_cpu_time()
                send(to, follower.move(message))
            elif follower is not None and isinstance(message, Forget):
                follower.forget(message.walks)


def _limit_cpu_time() -> None:
    """Have the kernel end this process, by SIGXCPU, once it has used ``CPU_S`` from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime) + CPU_S, hard))


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
