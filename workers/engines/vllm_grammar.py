"""What a constraint costs to compile, found out before vLLM is asked.

vLLM checks grammars on the event loop, where an array of a million items would hold up everybody for seconds. Here a
thread of its own does it first (llguidance lets the interpreter go meanwhile, and gives up at bounds of its own), and
what took too long is refused.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import llguidance

from models.errors import InvalidRequest
from models.modalities.structure import Constraint

BUDGET_S = 0.5
"""Of the thread's own time, so that other work on the machine counts for nothing."""


class Grammars:
    """Checks one constraint at a time."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="grammar")
        self._thread.submit(_cost, Constraint("json", {}))  # the first of a process takes a second

    async def check(self, constraints: Sequence[Constraint]) -> None:
        """Raises InvalidRequest for one that cannot be compiled, or not soon enough."""
        for constraint in constraints:
            if constraint.form in ("json", "regex", "grammar"):
                spent, complaint = await asyncio.wrap_future(self._thread.submit(_cost, constraint))
                if complaint:
                    raise InvalidRequest(f"{constraint.form}: {complaint}", param=constraint.param)
                if spent > BUDGET_S:
                    raise InvalidRequest("it takes too long to compile", param=constraint.param)

    def close(self) -> None:
        """End the thread once it has finished what it does."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _cost(constraint: Constraint) -> tuple[float, str]:
    """Seconds of processor time, and what is wrong with it; empty: nothing."""
    began = time.thread_time()
    matcher: Any = llguidance.LLMatcher
    try:
        if constraint.form == "json":
            grammar = matcher.grammar_from_json_schema(json.dumps(constraint.value))
        else:
            form: Literal["regex", "grammar"] = "regex" if constraint.form == "regex" else "grammar"
            grammar = llguidance.grammar_from(form, constraint.value)
        complaint = str(matcher.validate_grammar(grammar, None))
    except ValueError as error:
        complaint = str(error)
    return time.thread_time() - began, complaint
