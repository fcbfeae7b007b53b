"""Images from any pipeline of diffusers: drawn from a prompt, from an image, within a mask, along a control image.

One thread owns the device. Images of one shape that wait together are drawn in one call, whichever requests they are
of; a seed gives the same image alone or among others, but for rounding (one step of 255 in a pixel here and there).
"""

import asyncio
import contextlib
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

from models.errors import EngineFailure, HeadraceError
from models.modalities import images
from models.modalities.media import Artifact, Outcome
from workers.engines.base import Engine, EngineSite, MediaSink, Report
from workers.engines.diffusers.batch import ImageRequest, ImageRow, Shape, next_batch
from workers.engines.diffusers.draw import BatchStopped, Drawn, StepResult, draw, finish, in_halves, warm
from workers.engines.diffusers.load import Model, load_model
from workers.engines.diffusers.pictures import file_name
from workers.engines.diffusers.plan import plan

log = logging.getLogger(__name__)

_GATHER_S = 0.005
"""How long an idle device waits for others after the first image that is asked of it."""


class Diffusers(Engine[Model]):
    """Images. Loop, drawing and helping threads share the waiting rows, under ``_ready``, and ``ImageRequest.over``."""

    honours = frozenset(
        [
            *("negative_prompt", "n", "size", "output_format", "output_compression", "seed", "steps"),
            *("guidance_scale", "scheduler", "strength", "control_scale", "lora", "partial_images"),
        ]
    )

    def __init__(self, loaded: Model) -> None:
        super().__init__(loaded)
        self._model = loaded
        self._jobs: dict[str, ImageRequest] = {}
        self._waiting: deque[ImageRow] = deque()
        self._ready = threading.Condition()
        self._closed = self._broken = False
        self._most: dict[int, int] = {}  # images at once, by the pixels of one, where memory did not do for more
        self._steps = self._batches = self._images = self._aborts = 0
        self._helpers = ThreadPoolExecutor(2, thread_name_prefix="pictures")
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="draw", daemon=True)
        self._thread.start()

    @classmethod
    def load(cls, placement: EngineSite, report: Report) -> Model:
        model = load_model(placement, report)
        if placement.device != "cpu":
            report("warming", 0.0)
            warm(model)
        return model

    def images(self, request: images.Request, sink: MediaSink) -> None:
        """Draw ``request.n`` images."""
        if not self.alive():
            raise EngineFailure("the engine's drawing thread has died")
        seed = secrets.randbits(53) if request.seed is None else request.seed  # 53 bits: JavaScript reads them too
        job = ImageRequest(sink, request, seed)
        if sink.files:
            self._jobs[sink.rid] = job
            self._aside(job, lambda: plan(job, self._model), self._enqueue)
        else:
            plan(job, self._model)
            self._jobs[sink.rid] = job
            self._enqueue(job)

    def abort(self, rid: str) -> None:
        job = self._jobs.pop(rid, None)
        if job is not None:
            job.over = True
            self._aborts += 1

    def close(self) -> None:
        with self._ready:
            self._closed = True
            self._ready.notify()
        for job in self._jobs.values():
            job.over = True
        self._thread.join(10)
        self._helpers.shutdown(cancel_futures=True)

    def alive(self) -> bool:
        return not self._broken and self._thread.is_alive()

    def counters(self) -> dict[str, int]:
        return {
            "steps": self._steps,
            "batches": self._batches,
            "images": self._images,
            "aborts": self._aborts,
        }

    # ---- on the event loop ----

    def _enqueue(self, job: ImageRequest) -> None:
        with self._ready:
            self._waiting.extend(job.rows)
            self._ready.notify()

    def _report_step(self, result: StepResult) -> None:
        for row in result.rows:
            row.step = result.step
        for job in dict.fromkeys(row.job for row in result.rows if not row.job.over):
            preview = result.previews.get(job)
            job.sink.progress(
                sum(row.step for row in job.rows) / len(job.rows),
                result.total,
                Artifact("preview.jpg", "image/jpeg", preview) if preview else None,
            )
            if job in result.partials:
                index, data = result.partials[job]
                job.sink.piece(self._piece(job, data, index=index))

    def _made(self, row: ImageRow) -> None:
        job = row.job
        row.made = True
        self._images += 1
        if job.body.stream:
            job.sink.piece(self._piece(job, row.data, seed=row.seed))
        if all(one.made for one in job.rows):
            self._jobs.pop(job.sink.rid, None)
            job.over = True
            job.sink.done(_outcome(job))

    def _fail(self, job: ImageRequest, error: HeadraceError) -> None:
        if not job.over:
            self._jobs.pop(job.sink.rid, None)
            job.over = True
            job.sink.fail(error)

    def _piece(self, job: ImageRequest, data: bytes, index: int | None = None, seed: int | None = None) -> bytes:
        size = job.rows[0].shape.size
        return images.Piece(data, size, job.image is not None, index, seed).encode()

    # ---- in the helping threads ----

    def _aside(self, job: ImageRequest, work: Callable[[], None], then: Callable[[ImageRequest], None]) -> None:
        """Do what takes long, but not on the device; then go on with the job, on the event loop, or fail it."""

        def run() -> None:
            error: HeadraceError | None = None
            try:
                if not job.over:
                    work()
            except HeadraceError as refused:
                error = refused
            except Exception as failure:  # noqa: BLE001  # a decoder may raise anything, and the client must hear of it
                error = EngineFailure(f"{type(failure).__name__}: {failure}")
            self._on_loop(self._after, job, error, then)

        with contextlib.suppress(RuntimeError):  # closed
            self._helpers.submit(run)

    def _after(self, job: ImageRequest, error: HeadraceError | None, then: Callable[[ImageRequest], None]) -> None:
        if error is not None:
            self._fail(job, error)
        elif not job.over:
            then(job)

    # ---- in the drawing thread ----

    def _run(self) -> None:
        if self._model.options.n_threads:
            torch.set_num_threads(self._model.options.n_threads)
        while not self._closed and not self._broken:
            batch = self._take()
            if batch:
                self._draw(batch)

    def _take(self) -> list[ImageRow]:
        with self._ready:
            if not self._waiting:
                self._ready.wait_for(lambda: self._waiting or self._closed)
                self._ready.wait_for(lambda: self._closed, _GATHER_S)
            return next_batch(self._waiting, self._limit)

    def _limit(self, shape: Shape) -> int:
        most = self._model.batch_of(shape)
        return min(self._most.get(shape.width * shape.height, most), most)

    def _draw(self, rows: list[ImageRow]) -> None:
        """Draw a batch and hand its images on; whatever goes wrong becomes the answer of its requests."""
        try:
            for row, drawn in zip(rows, in_halves(rows, self._call, self._remember(rows[0].shape)), strict=True):
                if isinstance(drawn, Drawn):
                    self._finish(row, drawn)
                elif drawn is not None:
                    self._on_loop(self._fail, row.job, drawn)
            return
        except Exception as failure:  # the batch's life ends here, and its clients must hear of it
            log.exception("cannot draw %s", rows[0].shape)
            self._broken = "CUDA error" in str(failure)  # after one of these every later call fails too
            error = EngineFailure(f"the image cannot be drawn: {type(failure).__name__}: {failure}")
        for row in rows:
            self._on_loop(self._fail, row.job, error)

    def _remember(self, shape: Shape) -> Callable[[int], None]:
        return lambda most: self._most.update({shape.width * shape.height: most})

    def _call(self, rows: list[ImageRow]) -> Sequence[Drawn | None]:
        self._batches += 1
        try:
            return draw(self._model, rows, self._on_step)
        except BatchStopped:
            return [None] * len(rows)

    def _on_step(self, result: StepResult) -> None:
        if not result.previews and not result.partials:
            self._steps += 1
        self._on_loop(self._report_step, result)

    def _finish(self, row: ImageRow, drawn: Drawn) -> None:
        self._aside(row.job, lambda: finish(row, drawn, self._model), lambda _: self._made(row))

    def _on_loop(self, call: Callable[..., None], *values: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(call, *values)


def _outcome(job: ImageRequest) -> Outcome:
    made = []
    for row in job.rows:
        flagged = {"flagged": True} if row.flagged else {}
        made.append({"artifact": file_name(row.index, job.body), "seed": row.seed, "info": row.info} | flagged)
    media_type = images.MEDIA_TYPES[job.body.output_format]
    return Outcome(
        body={"created": int(time.time()), "images": made, "size": job.rows[0].shape.size},
        artifacts=[Artifact(file_name(row.index, job.body), media_type, row.data) for row in job.rows],
    )
