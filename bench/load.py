"""A measured batch: clients in a closed loop, each of which sends its next request when the last is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

from bench.client import Answer, percentile

Send = Callable[[], Awaitable[Answer]]


@dataclass(slots=True)
class Batch:
    """The answers of one batch or of several. Times are in seconds."""

    answers: list[Answer] = field(default_factory=list)
    elapsed_s: float = 0.0
    rates: list[float] = field(default_factory=list)
    """Tokens a second, batch by batch."""

    def add(self, other: "Batch") -> None:
        """Add another batch's answers."""
        self.answers += other.answers
        self.elapsed_s += other.elapsed_s
        self.rates.append(other.tokens / other.elapsed_s)

    @property
    def tokens(self) -> int:
        """Tokens of all answers."""
        return sum(answer.tokens for answer in self.answers)

    @property
    def rate(self) -> float:
        """Tokens a second: the median over all batches."""
        return median(self.rates)

    def first_ms(self, share: float) -> float:
        """Milliseconds to the first token, which this share of the answers did not exceed."""
        return percentile([answer.first_s for answer in self.answers], share) * 1e3

    def total_ms(self, share: float) -> float:
        """Milliseconds to the last token, which this share of the answers did not exceed."""
        return percentile([answer.total_s for answer in self.answers], share) * 1e3

    def gap_ms(self, share: float) -> float:
        """Milliseconds between two tokens of a stream, which this share of all such gaps did not exceed."""
        return percentile([gap for answer in self.answers for gap in answer.gaps], share) * 1e3


async def closed_loop(send: Send, clients: int, requests: int) -> Batch:
    """Send ``requests`` requests from ``clients`` clients. Raises RuntimeError if one is not answered completely."""
    batch = Batch()
    numbers = iter(range(requests))

    async def client() -> None:
        for number in numbers:
            answer = await send()
            if not answer.complete:
                raise RuntimeError(f"request {number} was not answered completely (status {answer.status})")
            batch.answers.append(answer)

    began = perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    batch.elapsed_s = perf_counter() - began
    return batch
