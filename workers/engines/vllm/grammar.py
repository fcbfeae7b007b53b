"""Checks constraints before vLLM gets them: whether they can be compiled, and soon enough.

vLLM checks grammars on the event loop, where an array of a million items would hold up all requests for seconds, and a
grammar that hangs or overflows would end the engine. So a process of its own compiles them first, which may die of it.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from models.modalities.structure import Constraint
from workers.engines.structured.constraints import constrain
from workers.engines.structured.grammar_wire import BYTES
from workers.engines.structured.grammars import Checker


class ConstraintChecker:
    """Checks one constraint at a time."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="grammar")
        self._checker = Checker(BYTES)

    async def check(self, constraints: Sequence[Constraint]) -> None:
        """Raises InvalidRequest for one that cannot be compiled, or not soon enough, or that no text follows."""
        for constraint in constraints:
            constrained = constrain(constraint, None, None, "over", {})
            if constrained is not None:
                fault = await asyncio.wrap_future(self._thread.submit(self._checker.check, constrained.grammar))
                if fault is not None:
                    raise type(fault)(fault.message, param=constrained.param)

    def close(self) -> None:
        """End the process, and the thread after its present check."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._checker.close()
