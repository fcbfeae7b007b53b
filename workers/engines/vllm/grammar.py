"""What a constraint costs to compile, found out before vLLM is asked.

vLLM checks grammars on the event loop, where an array of a million items would hold up everybody for seconds, and what
hangs or overflows there takes the engine with it. Here a process of its own does it first, which may die of it.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from models.modalities.structure import Constraint
from workers.engines.structured.constraints import held
from workers.engines.structured.grammar_wire import BYTES
from workers.engines.structured.grammars import Checker


class ConstraintChecker:
    """Checks one constraint at a time."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="grammar")
        self._checker = Checker(BYTES)

    async def check(self, constraints: Sequence[Constraint]) -> None:
        """Raises InvalidRequest for one that cannot be compiled, or not soon enough, or that nothing obeys."""
        for constraint in constraints:
            found = held(constraint, None, None, "over", {})
            if found is not None:
                fault = await asyncio.wrap_future(self._thread.submit(self._checker.check, found.grammar))
                if fault is not None:
                    raise type(fault)(fault.message, param=found.param)

    def close(self) -> None:
        """End the process, and the thread once it has finished what it does."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._checker.close()
