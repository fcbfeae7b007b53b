"""Continuous batching for the models that transformers' own batching does not take, or takes wrongly (``ways``).

It takes the place of a ``ContinuousBatchingManager``: requests are added and cancelled from any thread, and a thread of
its own gives the outputs of each step to a router. Between any two steps rows join and leave. A prompt is computed
whole, so a long one holds up the others for one pass; its pictures are encoded before, in a thread of their own, where
the model can do that. All rows together may take ``kv_tokens`` of cache, where each row counts as long as the longest.
Where they would take more, rows are put back to wait, the newest first, and are computed again later.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from types import SimpleNamespace
from typing import Any

from torch import Tensor

from workers.engines.accelerator.faults import device_lost, kind_of, out_of_memory
from workers.engines.transformers.router import Output, Router
from workers.engines.transformers.rows import Batch, Forward, Row
from workers.engines.transformers.sampling import NOT_FINITE, Sampling

log = logging.getLogger(__name__)

_LOOK_S = 1.0
"""How often whoever waits for a pause looks whether there still is a thread that grants it."""
_ERRORS = (RuntimeError, ValueError, IndexError, TypeError, AttributeError)
"""What a model raises where it cannot compute something."""
_ROOM = 64
"""Columns that must be free for each row when a row begins, so that it is not put back at once."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """``rows`` computed at once; ``kv_tokens`` of cache over all rows; ``batch_tokens`` of prompts begun in one pass.

    A single prompt may have more than ``batch_tokens``.
    """

    rows: int
    kv_tokens: int
    batch_tokens: int


@dataclass(eq=False, slots=True)
class _Pause:
    """A pause between two steps. Once it has ``begun``, nothing is computed until it is ``over``."""

    begun: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class _Failed:
    """A row whose pictures cannot be encoded."""

    row: Row
    error: Exception


class Stepper:
    """The batching of one model."""

    def __init__(self, model: Any, pad: int, bounds: Bounds, router: Router) -> None:
        self.output_router = router
        self.background_thread_status = SimpleNamespace(fatal_error=None)
        self.current_batch = 0
        self._forward = Forward(model, pad)
        self._bounds = bounds
        self._orders: queue.SimpleQueue[Row | str | _Pause | _Failed | None] = queue.SimpleQueue()
        self._encoding: dict[str, Row] = {}
        self._lock = threading.Lock()
        """Held while a row passes from the thread that encodes to the one that computes."""
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self._waiting: deque[Row] = deque()
        self._batches: list[Batch] = []
        self._beginning: list[Row] = []
        self._over = False
        self._thread = threading.Thread(target=self._run, name="generate", daemon=True)

    # ---- called from any thread ----

    def start(self) -> None:
        """Begin to compute."""
        self._thread.start()

    def add_request(
        self,
        ids: list[int],
        *,
        request_id: str,
        max_new_tokens: int,
        streaming: bool,
        eos_token_id: int | list[int],
        sampling: Sampling | None = None,
        inputs: Mapping[str, Tensor] | None = None,
    ) -> str | None:
        """Compute an answer to this prompt. Returns the id, or None once nothing is computed any more.

        Outputs come at every step, whatever ``streaming`` is.
        """
        if self._over or self.background_thread_status.fatal_error is not None:
            return None
        ends = frozenset([eos_token_id] if isinstance(eos_token_id, int) else eos_token_id)
        row = Row(request_id, ids, inputs or {}, max_new_tokens, ends, sampling)
        if self._forward.to_encode(row):
            with self._lock:
                self._encoding[request_id] = row
            self._encoder.submit(self._encode, row)
        else:
            self._orders.put(row)
        return request_id

    def cancel_request(self, request_id: str) -> None:
        """Stop this request after the present step."""
        with self._lock:
            if row := self._encoding.get(request_id):
                row.gone = True
        self._orders.put(request_id)

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Within it the model is the caller's; it waits for the present step. Raises RuntimeError after the end."""
        pause = _Pause()
        self._orders.put(pause)
        try:
            while not pause.begun.wait(_LOOK_S):
                if not self._thread.is_alive():
                    raise RuntimeError("nothing is computed any more")
            yield
        finally:
            pause.over.set()

    def stop(self, *, block: bool, timeout: float, hard_stop: bool) -> None:
        """End after the present step."""
        self._over = True
        self._encoder.shutdown(wait=False, cancel_futures=True)
        self._orders.put(None)
        if block:
            self._thread.join(timeout)

    # ---- the thread that encodes pictures, one request after another ----

    def _encode(self, row: Row) -> None:
        problem: Exception | None = RuntimeError("the pictures were not encoded")
        try:
            if not row.gone:
                self._forward.encode(row)
            problem = None
        except _ERRORS as error:  # also when memory runs out
            log.exception("the pictures of %s cannot be encoded", row.id)
            problem = error
        finally:
            with self._lock:
                known = self._encoding.pop(row.id, None)
                if known is not None and not row.gone:
                    self._orders.put(row if problem is None else _Failed(row, problem))

    # ---- the thread that computes ----

    @property
    def _rows(self) -> list[Row]:
        return [row for batch in self._batches for row in batch.rows]

    def _run(self) -> None:
        try:
            while not self._over:
                self._take_orders()
                self._make_room()
                self._begin()
                self._step()
        except Exception as error:  # the engine's life ends here, and its clients must get an error
            log.exception("the generation thread dies")
            self.background_thread_status.fatal_error = self.output_router.fault = error
            with self._lock:
                encoding = list(self._encoding.values())
                self._encoding.clear()
            left = list(dict.fromkeys([*self._rows, *self._beginning, *self._waiting, *encoding]))
            while not self._orders.empty():
                order = self._orders.get()
                left += [order] if isinstance(order, Row) else []
            self._fail(left, "the generation thread died")

    def _take_orders(self) -> None:
        """Take the requests that were added or cancelled; wait for some where there is nothing to do."""
        gone: set[str] = set()
        idle = not (self._waiting or self._batches)
        while idle or not self._orders.empty():
            order = self._orders.get()
            idle = False
            if isinstance(order, Row):
                self._waiting.append(order)
            elif isinstance(order, _Failed):
                if device_lost(order.error):
                    self._waiting.append(order.row)  # so that it gets the same end as the others
                    raise order.error
                self._fail([order.row], kind_of(order.error))
            elif isinstance(order, _Pause):
                order.begun.set()
                order.over.wait()
                break  # a step comes before the next pause
            elif order is not None:
                gone.add(order)
        if gone:
            self._waiting = deque(row for row in self._waiting if row.id not in gone)
            self._keep([row for row in self._rows if row.id not in gone])

    def _keep(self, rows: Sequence[Row]) -> None:
        """Drop all running rows except these."""
        kept = []
        for batch in self._batches:
            if left := [row for row in batch.rows if row in rows]:
                batch.keep(left)
                kept.append(batch)
        self._batches = kept

    def _fits(self, rows: Sequence[Row], room: int) -> bool:
        columns = max((row.length for row in rows), default=0) + room
        return len(rows) <= 1 or len(rows) * columns <= self._bounds.kv_tokens

    def _make_room(self) -> None:
        """Put rows back, the newest first, until the cache has room for one more token of each."""
        rows = self._rows
        while not self._fits(rows, 1):
            self._waiting.appendleft(rows.pop())
        self._keep(rows)

    def _begin(self) -> None:
        """Compute the prompts of rows that wait, as far as there is room."""
        rows, fresh, tokens = self._rows, list[Row](), 0
        while self._waiting and len(rows) < self._bounds.rows:
            next_row = self._waiting[0]
            tokens += next_row.length
            if not self._fits([*rows, next_row], _ROOM) or (fresh and tokens > self._bounds.batch_tokens):
                break
            fresh.append(self._waiting.popleft())
            rows.append(next_row)
        self._beginning = fresh
        alike: dict[Any, list[Row]] = {}
        for number, row in enumerate(fresh):
            alone = row.encoded is not None or not self._forward.joins
            alike.setdefault(number if alone else row.shape, []).append(row)
        for group in alike.values():
            self._begin_together(group)
        self._beginning = []

    def _begin_together(self, rows: list[Row]) -> None:
        try:
            batch, logits = self._forward.begin(rows)
        except _ERRORS as error:  # also when memory runs out
            if device_lost(error):
                raise
            if len(rows) == 1:
                log.exception("the prompt of %s cannot be computed", rows[0].id)
                self.output_router.fault = error
                self._fail(rows, kind_of(error))
                return
            for row in rows:  # only one of them may be at fault
                self._begin_together([row])
            return
        self._emit_tokens(batch, logits)
        if not batch.rows:
            return
        if self._forward.joins and self._batches:
            self._batches[0].join(batch)
        else:
            self._batches.append(batch)

    def _step(self) -> None:
        """Compute one more token for each running row."""
        for batch in self._batches:
            try:
                logits = self._forward.step(batch)
            except _ERRORS as error:
                if device_lost(error):
                    raise
                if out_of_memory(error):
                    self._shed(batch, error)
                else:
                    log.exception("%d rows cannot be computed", len(batch.rows))
                    rows, batch.rows = batch.rows, []
                    self._fail(rows, kind_of(error))
            else:
                self._emit_tokens(batch, logits)
        self._batches = [batch for batch in self._batches if batch.rows]

    def _shed(self, batch: Batch, error: Exception) -> None:
        """End a batch that does not fit into memory: its newest row fails, and the others are computed again."""
        log.warning("%d rows do not fit into memory: %s", len(batch.rows), error)
        *others, newest = batch.rows
        batch.rows = []
        self._waiting.extendleft(reversed(others))
        self._fail([newest], kind_of(error))

    def _emit_tokens(self, batch: Batch, logits: Tensor) -> None:
        """Pick a token for each row, deliver them, and drop the rows that are complete."""
        highest, best = (values.tolist() for values in logits.max(-1))
        broken = [row for row, value in zip(batch.rows, highest, strict=True) if not isfinite(value)]
        for number, row in enumerate(batch.rows):
            if row not in broken:
                row.made.append(best[number] if row.sampling is None else row.sampling.pick(logits[number]))
        self.current_batch += 1
        if broken:
            self._fail(broken, NOT_FINITE)
        sound = [row for row in batch.rows if row not in broken]
        self.output_router.deliver_batch([Output(row.id, list(row.made)) for row in sound])
        left = [row for row in sound if not row.over]
        if left:
            batch.keep(left)
        batch.rows = left

    def _fail(self, rows: Sequence[Row], why: str) -> None:
        self.output_router.deliver_batch([Output(row.id, list(row.made), why) for row in rows])
