"""The batching of whoever waits, with an arithmetic in the model's stead that can be made to fail."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from models.errors import EngineFailure, InvalidRequest
from tests.engines.driver import Answer
from workers.engines.sentence_transformers.batcher import BatchedRequest, Batcher, TokenSequence


class Sums:
    """Computes the sum of each sequence; fails on a negative number. Batches wait while ``gate`` is closed."""

    def __init__(self, **limits: Any) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.under_way = False
        self.fits = 1000
        self.batches: list[list[TokenSequence]] = []
        self.batcher = Batcher(self._forward, lambda: None, **({"lanes": 1, "budget": 64, "most": 8} | limits))

    def ask(self, rid: str, groups: list[list[list[int]]], *, kind: int = 0) -> Answer:
        """Have sequences summed that are read in these groups."""
        answer = Answer(rid)

        def on_result(task: BatchedRequest) -> None:
            if task.whole:
                self.batcher.finish(task)
                answer.result = [task.results[number] for number in range(len(task.results))]
                answer.over.set()

        task = BatchedRequest(answer, on_result, total=sum(map(len, groups)))
        task.reading = self._rows(task, groups, kind)
        self.batcher.take(task)
        return answer

    def _rows(self, task: BatchedRequest, groups: list[list[list[int]]], kind: int) -> Iterator[list[TokenSequence]]:
        number = 0
        for group in groups:
            if [0] in group:
                raise InvalidRequest("no zeros", param="input")
            if [99] in group:
                raise ArithmeticError("a tokenizer's own trouble")
            yield [TokenSequence(task, n, ids, [], kind) for n, ids in enumerate(group, number)]
            number += len(group)

    def _forward(self, rows: Sequence[TokenSequence]) -> list[int]:
        self.under_way = True
        self.gate.wait()
        self.batches.append(list(rows))
        if len(rows) > self.fits:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        if any(max(row.ids) == 1000 for row in rows):
            raise RuntimeError("CUDA error: device-side assert triggered")
        if any(min(row.ids) < 0 for row in rows):
            raise ArithmeticError("negative")
        return [sum(row.ids) for row in rows]


async def read(sums: Sums, sequences: int) -> None:
    """Wait until a batch is under way and so many sequences wait behind it."""
    async with asyncio.timeout(10):
        while not sums.under_way or len(sums.batcher._heap) != sequences:
            await asyncio.sleep(0.001)


async def over(*answers: Answer) -> None:
    async with asyncio.timeout(10):
        for answer in answers:
            await answer.over.wait()


async def test_each_gets_its_own_results_in_its_own_order() -> None:
    sums = Sums(lanes=3)
    answers = [sums.ask(f"r{n}", [[[n, 1]], [[n] * (k + 1) for k in range(9)]]) for n in range(1, 40)]
    await over(*answers)

    for n, answer in enumerate(answers, 1):
        assert answer.result == [n + 1, *(n * (k + 1) for k in range(9))]
    assert all(len(batch) <= 8 for batch in sums.batches)
    sums.batcher.close()


async def test_a_failed_batch_fails_its_requests_alone() -> None:
    sums = Sums()
    bad = sums.ask("bad", [[[1], [-1]]])
    await over(bad)
    good = sums.ask("good", [[[1, 2]]])
    await over(good)

    assert isinstance(bad.error, EngineFailure)
    assert bad.error.message == "the engine failed: ArithmeticError"
    assert good.result == [3]
    sums.batcher.close()


async def test_a_batch_that_does_not_fit_into_memory_is_done_in_halves() -> None:
    sums = Sums()
    sums.fits = 2
    answer = sums.ask("all", [[[n] for n in range(1, 8)]])
    await over(answer)

    assert answer.result == [1, 2, 3, 4, 5, 6, 7]
    assert sums.batcher.alive()
    sums.fits = 0
    small = sums.ask("small", [[[1]]])
    await over(small)
    assert isinstance(small.error, EngineFailure)
    assert "out of memory" in small.error.message
    assert sums.batcher.alive(), "it cost that request alone"
    sums.batcher.close()


async def test_a_lost_device_ends_the_engine_with_its_cause() -> None:
    sums = Sums()
    bad = sums.ask("bad", [[[1000]]])
    await over(bad)

    assert not sums.batcher.alive()
    assert "device-side assert" in sums.batcher.fault
    sums.batcher.close()


async def test_what_cannot_be_read_is_refused_and_the_rest_of_it_dropped() -> None:
    sums = Sums()
    sums.gate.clear()
    first = sums.ask("first", [[[1]]])
    bad = sums.ask("bad", [[[5]] * 100, [[0]], [[6]]])
    await over(bad)
    sums.gate.set()
    good = sums.ask("good", [[[7]]])
    await over(first, good)

    assert isinstance(bad.error, InvalidRequest)
    assert sum(len(batch) for batch in sums.batches) <= 2 + 8, "one batch may have been under way"
    sums.batcher.close()


async def test_a_reader_that_breaks_fails_its_request_alone() -> None:
    sums = Sums(lanes=2)
    bad = sums.ask("bad", [[[5]], [[99]]])
    good = sums.ask("good", [[[7]]])
    await over(bad, good)

    assert isinstance(bad.error, EngineFailure)
    assert good.result == [7]
    assert sums.batcher.alive()
    sums.batcher.close()


async def test_the_small_pass_the_large_and_the_large_goes_on() -> None:
    sums = Sums(most=4)
    sums.gate.clear()
    large = sums.ask("large", [[[1, 1]] * 400])
    await read(sums, 396)
    small = [sums.ask(f"small {n}", [[[2, 2]]]) for n in range(40)]
    await read(sums, 436)
    sums.gate.set()
    await over(large, *small)

    names = [row.task.sink.rid for batch in sums.batches for row in batch]
    last_small = max(number for number, name in enumerate(names) if name != "large")
    assert last_small < 150, "they do not wait for it"
    assert names[4 : last_small + 1].count("large") >= 3, "and it does not wait for all of them"
    sums.batcher.close()


async def test_kinds_do_not_share_a_batch() -> None:
    sums = Sums()
    sums.gate.clear()
    first = sums.ask("first", [[[1]]])
    await read(sums, 0)
    answers = [first, *(sums.ask(f"r{n}", [[[n]]], kind=n % 2) for n in range(1, 20))]
    await read(sums, 19)
    sums.gate.set()
    await over(*answers)

    assert all(len({row.kind for row in batch}) == 1 for batch in sums.batches)
    assert len(sums.batches) <= 6
    sums.batcher.close()


async def test_an_abort_drops_what_waits() -> None:
    sums = Sums()
    sums.gate.clear()
    first = sums.ask("first", [[[1]]])
    await read(sums, 0)
    answers = [sums.ask(f"r{n}", [[[n]] * 50]) for n in range(1, 5)]
    await read(sums, 200)
    for n in (1, 2, 3):
        sums.batcher.abort(f"r{n}")
    sums.gate.set()
    await over(first, answers[3])
    before = len(sums.batches)
    await over(sums.ask("after", [[[1]]]))

    assert len(sums.batches) == before + 1
    assert sums.batcher.aborts == 3
    assert not any(answer.over.is_set() for answer in answers[:3])
    assert {row.task.sink.rid for batch in sums.batches[1:] for row in batch} == {"r4", "after"}
    sums.batcher.close()
