"""Dynamic batching of requests that are sets of sequences: read (tokenised) in two threads, computed in others.

A request's sequences wait with those of all others. Whenever a lane is free it takes a batch of those that are due, of
about one length. So requests that come one by one share batches, and a large one does not hold up the small.
"""

import asyncio
import heapq
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from models.errors import EngineFailure, HeadraceError
from workers.engines.accelerator.faults import device_lost, kind_of, out_of_memory
from workers.engines.base import Sink
from workers.engines.sentence_transformers.packing import batch_of_first, round_due, share, worthwhile

log = logging.getLogger(__name__)

WINDOW = 4
"""Batches' worth of sequences that are looked at to find those of one length."""


@dataclass(eq=False, slots=True)
class TokenSequence:
    """One sequence. ``types`` are its token types where the model has any; ``kind``: only equals share a batch."""

    task: "BatchedRequest"
    index: int
    ids: list[int]
    types: list[int]
    kind: int = 0


@dataclass(eq=False, slots=True)
class BatchedRequest:
    """One request. ``over`` is set on the loop and read in the threads; the rest belongs to the loop.

    ``reading`` yields its sequences in groups that take little time each; it runs in the reading thread, and what it
    raises is told to the sink. With the last group it sets ``total``. ``results`` has those of the sequences computed.
    ``slow``: a group may take seconds. Then it is read beside those that wait for slow ones alone.
    """

    sink: Sink
    on_result: Callable[["BatchedRequest"], None]
    reading: Iterator[list[TokenSequence]] = field(default_factory=lambda: iter(()))
    slow: bool = False
    over: bool = False
    total: int | None = None
    tokens: int = 0
    arrived: int = -1
    results: dict[int, Any] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether all its sequences are computed."""
        return len(self.results) == self.total


Unread = queue.SimpleQueue[BatchedRequest | None]
"""Requests for a reading thread; None ends it."""

Forward = Callable[[list[TokenSequence]], Sequence[Any]]
"""What computes a batch: one result a sequence. Runs in a lane's thread, may raise anything."""


class Batcher:
    """The requests of an engine. Unless said otherwise its methods, and the making of it, are for the event loop."""

    def __init__(self, forward: Forward, begin: Callable[[], None], *, lanes: int, budget: int, most: int) -> None:
        """``begin`` is called in each lane's thread before all else; ``budget`` in tokens, ``most`` in sequences."""
        self._forward = forward
        self._begin = begin
        self._budget, self._most = budget, most
        self._tasks: dict[str, BatchedRequest] = {}
        self._unread: Unread = queue.SimpleQueue()
        self._unread_slow: Unread = queue.SimpleQueue()
        self._waiting = threading.Condition()
        self._heap: list[tuple[int, int, TokenSequence]] = []
        self._numbers = count()
        self._tokens = self._computing = self._round = 0
        self._lanes = self._busy = lanes  # until they say that they are not
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._threads = [
            threading.Thread(target=self._read, args=(unread,), name="tokenize", daemon=True)
            for unread in (self._unread, self._unread_slow)
        ]
        self._threads += [threading.Thread(target=self._work, name=f"lane {n}", daemon=True) for n in range(lanes)]
        self.batches = self.sequences = self.aborts = 0
        self.fault = ""
        """Why the device cannot compute any more."""
        for thread in self._threads:
            thread.start()

    def take(self, task: BatchedRequest) -> None:
        """Begin a request. Its ``told`` is called, on the loop, whenever results have come, until it is ``over``."""
        self._tasks[task.sink.rid] = task
        (self._unread_slow if task.slow else self._unread).put(task)

    def finish(self, task: BatchedRequest) -> None:
        """A request has all it needs, or has failed."""
        task.over = True
        self._tasks.pop(task.sink.rid, None)

    def abort(self, rid: str) -> None:
        """Forget a request: no batch is spent on it any more."""
        task = self._tasks.get(rid)
        if task is not None:
            self.finish(task)
            self.aborts += 1

    def alive(self) -> bool:
        """Whether the device and all threads are; nothing but a fault of a library can end a thread."""
        return self._closing or (not self.fault and all(thread.is_alive() for thread in self._threads))

    def close(self) -> None:
        """End all requests and wait for the batches under way. Blocks."""
        for rid in list(self._tasks):
            self.abort(rid)
        with self._waiting:
            self._closing = True
            self._waiting.notify_all()
        self._unread.put(None)
        self._unread_slow.put(None)
        for thread in self._threads:
            thread.join()

    # ---- the reading threads -------------------------------------------------------------------------------

    def _read(self, unread: Unread) -> None:
        """A group of sequences of each request in turn, so that a long one does not hold up the others."""
        reading: deque[BatchedRequest] = deque()
        while True:
            while not reading or not unread.empty():
                task = unread.get()
                if task is None:
                    return
                reading.append(task)
            found: list[TokenSequence] = []
            for _ in range(len(reading)):
                task = reading.popleft()
                if not task.over and self._read_some(task, found):
                    reading.append(task)
            self._add(found)

    def _read_some(self, task: BatchedRequest, found: list[TokenSequence]) -> bool:
        """Put the task's next group to what was found; False: that was all of it."""
        try:
            group = next(task.reading, None)
        except HeadraceError as error:
            self._say(self._fail, [task], error)
            return False
        except Exception as error:  # a request's life ends here, the thread's does not
            log.exception("request %s cannot be read", task.sink.rid)
            self._say(self._fail, [task], EngineFailure(f"the input cannot be read: {type(error).__name__}"))
            return False
        found.extend(group or ())
        return group is not None

    def _add(self, found: list[TokenSequence]) -> None:
        with self._waiting:
            for one in found:
                task = one.task
                if task.arrived < 0:
                    task.arrived = self._round
                due = round_due(task.arrived, task.tokens, self._budget)
                heapq.heappush(self._heap, (due, next(self._numbers), one))
                task.tokens += len(one.ids)
                self._tokens += len(one.ids)
            if found:
                self._waiting.notify()

    # ---- the lanes -----------------------------------------------------------------------------------------

    def _work(self) -> None:
        self._begin()
        batch: list[TokenSequence] = []
        while batch := self._next(batch):
            self._compute(batch)

    def _compute(self, batch: list[TokenSequence]) -> None:
        """Compute a batch, in halves where it does not fit into memory, and pass its results on, or its error."""
        try:
            self._say(self._deliver, batch, self._forward(batch))
            return
        except Exception as error:  # a batch's life ends here, and its clients must hear of it
            if not out_of_memory(error) or len(batch) == 1:
                log.exception("a batch of %d sequences failed", len(batch))
                if device_lost(error):
                    self.fault = f"{type(error).__name__}: {error}"[:500]
                failure = EngineFailure(f"the engine failed: {kind_of(error)}")
                self._say(self._fail, [one.task for one in batch], failure)
                return
            log.warning("%d sequences do not fit into memory: %s", len(batch), error)
        middle = len(batch) // 2  # out of the handler: the error no more keeps what was computed
        self._compute(batch[:middle])
        self._compute(batch[middle:])

    def _next(self, done: list[TokenSequence]) -> list[TokenSequence]:
        """The next batch, once there is one; empty when all is over. ``done`` is the lane's last."""
        with self._waiting:
            self._busy -= 1
            self._computing -= _tokens(done)
            while not self._closing:
                if worthwhile(self._tokens, self._computing, self._busy) and (batch := self._cut()):
                    self._busy += 1
                    self._computing += _tokens(batch)
                    if self._heap:
                        self._waiting.notify()  # there may be enough left for another lane
                    return batch
                self._waiting.wait()
        return []

    def _cut(self) -> list[TokenSequence]:
        budget = share(self._tokens, self._lanes - self._busy - 1, self._budget)
        window: list[tuple[int, int, TokenSequence]] = []
        others: list[tuple[int, int, TokenSequence]] = []
        tokens = 0
        while self._heap and tokens < WINDOW * budget:
            entry = heapq.heappop(self._heap)
            one = entry[2]
            if one.task.over:
                self._tokens -= len(one.ids)
            elif window and one.kind != window[0][2].kind:
                others.append(entry)
            else:
                window.append(entry)
                tokens += len(one.ids)
        chosen = batch_of_first([len(one.ids) for _, _, one in window], budget, self._most)
        taken = set(chosen)
        others += [entry for index, entry in enumerate(window) if index not in taken]
        for entry in others:
            heapq.heappush(self._heap, entry)
        batch = [window[index][2] for index in chosen]
        self._tokens -= _tokens(batch)
        self._round += bool(batch)
        return batch

    # ---- back on the loop ----------------------------------------------------------------------------------

    def _say(self, what: Callable[..., None], *arguments: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *arguments)

    def _deliver(self, batch: list[TokenSequence], results: Sequence[Any]) -> None:
        self.batches += 1
        self.sequences += len(batch)
        tasks: dict[BatchedRequest, None] = {}
        for one, result in zip(batch, results, strict=True):
            one.task.results[one.index] = result
            tasks[one.task] = None
        for task in tasks:
            if not task.over:
                task.on_result(task)

    def _fail(self, tasks: list[BatchedRequest], error: HeadraceError) -> None:
        for task in tasks:
            if not task.over:
                self.finish(task)
                task.sink.fail(error)


def _tokens(batch: list[TokenSequence]) -> int:
    return sum(len(one.ids) for one in batch)
