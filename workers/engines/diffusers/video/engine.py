"""Videos from pipelines of diffusers. One thread owns the device and makes one video after the other.

Requests are prepared, and their files encoded, in threads beside it.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import torch

from models.errors import EngineFailure, HeadraceError, InvalidRequest
from models.modalities.media import Outcome
from models.modalities.videos import Request, outcome
from workers.engines.accelerator.faults import device_lost, kind_of
from workers.engines.base import Engine, EngineSite, MediaSink, Report
from workers.engines.diffusers.video.draw import draw
from workers.engines.diffusers.video.model import VideoModel
from workers.engines.diffusers.video.plan import VideoRequest, plan
from workers.engines.diffusers.watch import BatchStopped
from workers.engines.media.video_encoding import Frame, artifacts

log = logging.getLogger(__name__)


class VideoEngine(Engine[VideoModel]):
    """Videos, in the order in which they were asked for."""

    honours = frozenset(
        [
            *("negative_prompt", "size", "seconds", "num_frames", "fps", "steps", "guidance_scale", "seed", "lora"),
        ]
    )

    def __init__(self, loaded: VideoModel) -> None:
        super().__init__(loaded)
        self._model = loaded
        self.told = {"abilities": loaded.abilities, "defaults": loaded.told, "limits": asdict(loaded.limits)}
        self._requests: dict[str, VideoRequest] = {}
        self._fault = ""
        self._steps = self._videos = self._aborts = 0
        self._helpers = ThreadPoolExecutor(2, thread_name_prefix="videos")
        self._device = ThreadPoolExecutor(1, "draw", _set_threads, (loaded.threads,))
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> VideoModel:
        """Refuse: ``Diffusers`` loads both."""
        raise InvalidRequest("launch the engine diffusers with model_type 'video'", param="model_type")

    def videos(self, request: Request, sink: MediaSink) -> None:
        """Make a video."""
        if not self.alive():
            raise EngineFailure("the engine's device is lost")
        seed = secrets.randbits(53) if request.seed is None else request.seed  # 53 bits: so many JavaScript reads, too
        asked = VideoRequest(sink, request, seed)
        self._requests[sink.rid] = asked
        making = asyncio.create_task(self._make(asked), name=f"video {sink.rid}")
        self._tasks.add(making)
        making.add_done_callback(self._tasks.discard)

    def abort(self, rid: str) -> None:
        request = self._requests.pop(rid, None)
        if request is not None:
            request.over = True
            self._aborts += 1

    def close(self) -> None:
        for request in self._requests.values():
            request.over = True
        for pool in (self._device, self._helpers):
            pool.shutdown(cancel_futures=True)
        for making in self._tasks:
            making.cancel()

    def alive(self) -> bool:
        return not self._fault

    def fault(self) -> str:
        return self._fault

    def counters(self) -> dict[str, int]:
        return {"steps": self._steps, "videos": self._videos, "aborts": self._aborts}

    # ---- on the event loop ----

    async def _make(self, request: VideoRequest) -> None:
        """Plan, draw and encode a video; any error becomes the request's answer."""
        try:
            await self._loop.run_in_executor(self._helpers, plan, request, self._model)
            if request.warning and not request.over:
                request.sink.warn(request.warning)
            frames = await self._loop.run_in_executor(self._device, self._draw, request)
            outcome = await self._loop.run_in_executor(self._helpers, _encoded, request, frames)
        except BatchStopped:
            return
        except HeadraceError as error:
            self._fail(request, error)
        except Exception as failure:  # the request ends here, and its client must get an error
            log.exception("cannot make a video: %s", request.shape)
            self._fail(request, EngineFailure(f"the video cannot be made: {kind_of(failure)}"))
            if device_lost(failure):
                self._fault = f"the video cannot be made: {type(failure).__name__}: {failure}"
        else:
            self._videos += 1
            if self._forget(request):
                request.sink.done(outcome)

    def _fail(self, request: VideoRequest, error: HeadraceError) -> None:
        if self._forget(request):
            request.sink.fail(error)

    def _forget(self, request: VideoRequest) -> bool:
        """Whether somebody still waited for it."""
        waited, request.over = not request.over, True
        self._requests.pop(request.sink.rid, None)
        return waited

    def _tell(self, request: VideoRequest, step: int, total: int) -> None:
        self._steps += 1
        if not request.over:
            request.sink.progress(step, total)

    # ---- in the drawing thread ----

    def _draw(self, request: VideoRequest) -> list[Frame]:
        if request.over:
            raise BatchStopped
        return draw(self._model, request, lambda *step: self._on_loop(self._tell, request, *step))

    def _on_loop(self, call: Callable[..., None], *values: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(call, *values)


def _set_threads(count: int | None) -> None:
    if count is not None:
        torch.set_num_threads(count)


def _encoded(request: VideoRequest, frames: list[Frame]) -> Outcome:
    """The files, and what was made: its size and length are those of the frames, whatever was asked for."""
    shape = request.shape
    assert shape is not None
    if request.over:
        raise BatchStopped
    made = artifacts(frames, shape.fps)
    height, width = frames[0].shape[:2]
    return outcome(
        made,
        f"{width}x{height}",
        len(frames),
        shape.fps,
        seed=request.seed,
        steps=shape.steps,
        warning=request.warning,
        ignored=request.ignored,
    )
