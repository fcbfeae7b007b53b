"""Images from any pipeline of diffusers: drawn from a prompt, from an image, within a mask, or from a control image.

One thread owns the device. Images of one shape that wait together are drawn in one call, also where they are of several
requests. A seed gives the same image alone or in a batch, except for rounding (some pixels differ by one step of 255).
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
from typing import Any, cast

import torch

from models.errors import EngineFailure, HeadraceError, InvalidRequest
from models.modalities import images
from models.modalities.media import Artifact, Outcome
from models.modalities.videos import Request as Videos
from workers.engines.accelerator.faults import device_lost, kind_of
from workers.engines.base import Engine, EngineSite, MediaSink, Report
from workers.engines.diffusers.batch import ImageRequest, ImageRow, Shape, next_batch
from workers.engines.diffusers.draw import Drawn, draw, finish, in_halves, warm
from workers.engines.diffusers.load import load_model
from workers.engines.diffusers.model import Model
from workers.engines.diffusers.pictures import file_name
from workers.engines.diffusers.plan import plan
from workers.engines.diffusers.video.draw import warm as warm_video
from workers.engines.diffusers.video.engine import VideoEngine
from workers.engines.diffusers.video.model import VideoModel
from workers.engines.diffusers.watch import BatchStopped, StepResult

log = logging.getLogger(__name__)

_GATHER_S = 0.005
"""How long an idle device waits for more images after the first one."""


class Diffusers(Engine[Model]):
    """Images. Loop, drawing and helping threads share the waiting rows, under ``_ready``, and ``ImageRequest.over``."""

    honours = frozenset(
        [
            *("negative_prompt", "n", "size", "output_format", "output_compression", "seed", "steps"),
            *("guidance_scale", "scheduler", "strength", "control_scale", "lora", "partial_images"),
            "true_cfg_scale",
            "prompt_syntax",
        ]
    )

    def __init__(self, loaded: Model) -> None:
        super().__init__(loaded)
        self._model = loaded
        self.told = {"abilities": loaded.abilities, "defaults": loaded.told}
        self._requests: dict[str, ImageRequest] = {}
        self._waiting: deque[ImageRow] = deque()
        self._ready = threading.Condition()
        self._closed = False
        self._fault = ""
        self._most: dict[int, int] = {}  # most images at once, by the pixels of one, where more did not fit into memory
        self._steps = self._batches = self._images = self._aborts = 0
        self._helpers = ThreadPoolExecutor(2, thread_name_prefix="pictures")
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="draw", daemon=True)
        self._thread.start()

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> Model:
        model: Any = load_model(site, report)
        if site.device != "cpu":
            report("warming", 0.0)
            (warm_video if isinstance(model, VideoModel) else warm)(model)
        return cast(Model, model)

    @classmethod
    async def start(cls, loaded: Model) -> "Diffusers":
        if isinstance(loaded, VideoModel):
            return cast("Diffusers", VideoEngine(loaded))  # another engine, which the runner asks as it asks any
        return cls(loaded)

    def modalities(self) -> list[str]:
        return [name for name in super().modalities() if name != "videos"]

    def videos(self, request: Videos, sink: MediaSink) -> None:
        """Refuse: videos are another class's."""
        raise InvalidRequest("this model does not serve videos", param="model")

    def images(self, request: images.Request, sink: MediaSink) -> None:
        """Draw ``request.n`` images."""
        if not self.alive():
            raise EngineFailure("the engine's drawing thread has died")
        seed = secrets.randbits(53) if request.seed is None else request.seed  # 53 bits: so many JavaScript reads, too
        image_request = ImageRequest(sink, request, seed)
        if sink.files:
            self._requests[sink.rid] = image_request
            self._in_helper(image_request, lambda: plan(image_request, self._model), self._enqueue)
        else:
            plan(image_request, self._model)
            self._requests[sink.rid] = image_request
            self._enqueue(image_request)

    def abort(self, rid: str) -> None:
        request = self._requests.pop(rid, None)
        if request is not None:
            request.over = True
            self._aborts += 1

    def close(self) -> None:
        with self._ready:
            self._closed = True
            self._ready.notify()
        for request in self._requests.values():
            request.over = True
        self._thread.join(10)
        self._helpers.shutdown(cancel_futures=True)

    def alive(self) -> bool:
        return not self._fault and self._thread.is_alive()

    def fault(self) -> str:
        return self._fault

    def counters(self) -> dict[str, int]:
        return {
            "steps": self._steps,
            "batches": self._batches,
            "images": self._images,
            "aborts": self._aborts,
        }

    # ---- on the event loop ----

    def _enqueue(self, request: ImageRequest) -> None:
        if request.warning:
            request.sink.warn(request.warning)
        with self._ready:
            self._waiting.extend(request.rows)
            self._ready.notify()

    def _report_step(self, result: StepResult) -> None:
        for row in result.rows:
            row.step = result.step
        for request in dict.fromkeys(row.request for row in result.rows if not row.request.over):
            preview = result.previews.get(request)
            request.sink.progress(
                sum(row.step for row in request.rows) / len(request.rows),
                result.total,
                Artifact("preview.jpg", "image/jpeg", preview) if preview else None,
            )
            if request in result.partials:
                index, data = result.partials[request]
                size = result.rows[0].shape.size
                request.sink.piece(images.Piece(data, size, request.image is not None, index).encode())

    def _deliver(self, row: ImageRow) -> None:
        request = row.request
        row.made = True
        self._images += 1
        if row.size != row.shape.size:
            request.warn(f"drawn as {row.size}: the model has sizes of its own")
        if request.body.stream:
            piece = images.Piece(
                row.data,
                row.size,
                request.image is not None,
                seed=row.seed,
                warning=request.warning,
                ignored=tuple(request.ignored),
            )
            request.sink.piece(piece.encode())
        if all(other.made for other in request.rows):
            self._requests.pop(request.sink.rid, None)
            request.over = True
            request.sink.done(_outcome(request))

    def _fail(self, request: ImageRequest, error: HeadraceError) -> None:
        if not request.over:
            self._requests.pop(request.sink.rid, None)
            request.over = True
            request.sink.fail(error)

    # ---- in the helping threads ----

    def _in_helper(self, request: ImageRequest, work: Callable[[], None], then: Callable[[ImageRequest], None]) -> None:
        """Do work that takes long, but not on the device. Then go on, on the event loop, with ``then`` or the error."""

        def run() -> None:
            error: HeadraceError | None = None
            try:
                if not request.over:
                    work()
            except HeadraceError as refused:
                error = refused
            except Exception as failure:  # a decoder may raise anything, and the client must get an error
                log.exception("a request's pictures cannot be prepared or encoded")
                error = EngineFailure(f"the pictures cannot be read or encoded: {type(failure).__name__}")
            self._on_loop(self._after, request, error, then)

        with contextlib.suppress(RuntimeError):  # closed
            self._helpers.submit(run)

    def _after(self, request: ImageRequest, error: HeadraceError | None, then: Callable[[ImageRequest], None]) -> None:
        if error is not None:
            self._fail(request, error)
        elif not request.over:
            then(request)

    # ---- in the drawing thread ----

    def _run(self) -> None:
        if self._model.threads is not None:
            torch.set_num_threads(self._model.threads)
        while not self._closed and not self._fault:
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
        """Draw a batch and pass its images on; any error becomes the answer of its requests."""
        try:
            for row, drawn in zip(rows, in_halves(rows, self._call, self._remember(rows[0].shape)), strict=True):
                if isinstance(drawn, Drawn):
                    self._finish(row, drawn)
                elif drawn is not None:
                    self._on_loop(self._fail, row.request, drawn)
            return
        except Exception as failure:  # the batch ends here, and its clients must get an error
            log.exception("cannot draw %s", rows[0].shape)
            error = EngineFailure(f"the image cannot be drawn: {kind_of(failure)}")
            if device_lost(failure):
                self._fault = f"the image cannot be drawn: {type(failure).__name__}: {failure}"
        for row in rows:
            self._on_loop(self._fail, row.request, error)

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
        self._in_helper(row.request, lambda: finish(row, drawn, self._model), lambda _: self._deliver(row))

    def _on_loop(self, call: Callable[..., None], *values: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(call, *values)


def _outcome(request: ImageRequest) -> Outcome:
    entries = []
    for row in request.rows:
        flagged = {"flagged": True} if row.flagged else {}
        entries.append({"artifact": file_name(row.index, request.body), "seed": row.seed, "info": row.info} | flagged)
    media_type = images.MEDIA_TYPES[request.body.output_format]
    body: dict[str, Any] = {"created": int(time.time()), "images": entries, "size": request.rows[0].size}
    body |= {"ignored": request.ignored} if request.ignored else {}
    body |= {"warning": request.warning} if request.warning else {}
    return Outcome(
        body=body,
        artifacts=[Artifact(file_name(row.index, request.body), media_type, row.data) for row in request.rows],
    )
