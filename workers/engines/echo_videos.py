"""The engine without weights, launched as a model of type video: it draws a bar that wanders over a plain colour."""

import asyncio
import secrets
from typing import Any, Protocol
from zlib import crc32

from models.errors import InvalidRequest
from models.modalities.media import Artifact
from models.modalities.videos import Request, frames_of, outcome, refuse_length
from workers.engines.base import Capacity, Engine, EngineSite, MediaSink, Report

_FPS = 8
_FRAMES = 9
_SIDES = (64, 64)
_STEPS = 4
_MOST_PIXELS = 1 << 24


class EchoVideoOptions(Protocol):
    """What of the engine's options concerns videos."""

    step_ms: float

    @property
    def capacity(self) -> Capacity:
        """See ``Loaded``."""


class EchoVideos(Engine[EchoVideoOptions]):
    """The prompt and the seed decide the colours. It takes 4k+1 frames, and writes them as any engine does."""

    honours = frozenset(["negative_prompt", "size", "seconds", "num_frames", "fps", "steps", "guidance_scale", "seed"])

    def __init__(self, loaded: EchoVideoOptions) -> None:
        super().__init__(loaded)
        self._step_s = loaded.step_ms / 1000
        self.told = {"defaults": {"size": "64x64", "num_frames": _FRAMES, "fps": _FPS, "steps": _STEPS}}
        self._drawing: dict[str, asyncio.Task[None]] = {}

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> EchoVideoOptions:
        """Refuse: ``Echo`` loads both."""
        raise InvalidRequest("launch echo with model_type 'video'", param="model_type")

    def videos(self, request: Request, sink: MediaSink) -> None:
        """Draw a few frames."""
        request.check_files(sink.files.keys())
        frames = _frames(request)
        drawing = asyncio.create_task(self._draw(request, frames, sink), name=f"echo video {sink.rid}")
        self._drawing[sink.rid] = drawing
        drawing.add_done_callback(lambda _: self._drawing.pop(sink.rid, None))

    async def _draw(self, request: Request, frames: int, sink: MediaSink) -> None:
        steps = request.steps or _STEPS
        for step in range(steps):
            await asyncio.sleep(self._step_s)
            sink.progress(step + 1, steps)
        seed = secrets.randbits(53) if request.seed is None else request.seed
        fps, (width, height) = request.fps or _FPS, request.dimensions or _SIDES
        artifacts = await asyncio.to_thread(_encoded, request.prompt or "", seed, (frames, height, width), fps)
        sink.done(outcome(artifacts, f"{width}x{height}", frames, fps, seed=seed, steps=steps))

    def abort(self, rid: str) -> None:
        if drawing := self._drawing.pop(rid, None):
            drawing.cancel()

    def close(self) -> None:
        for drawing in list(self._drawing.values()):
            drawing.cancel()


def _frames(request: Request) -> int:
    fps, (width, height) = request.fps or _FPS, request.dimensions or _SIDES
    frames = request.num_frames or (
        _FRAMES if request.seconds is None else frames_of(request.seconds, fps, step=4, first=1)
    )
    refuse_length(frames, step=4, first=1)
    if frames * width * height > _MOST_PIXELS:
        raise InvalidRequest(f"a video of echo has at most {_MOST_PIXELS} pixels in all its frames", param="size")
    return frames


def _encoded(prompt: str, seed: int, shape: tuple[int, int, int], fps: float) -> list[Artifact]:
    import numpy as np  # here, since the engine of texts needs neither library

    from workers.engines.media import video_encoding

    frames, height, width = shape
    colour = crc32(f"{seed} {prompt}".encode())
    made: Any = np.empty((frames, height, width, 3), np.uint8)
    made[:] = [colour >> shift & 0x7F for shift in (0, 8, 16)]
    for number, frame in enumerate(made):
        at = number * width // frames
        frame[:, at : at + max(2, width // 8)] = 255
    return video_encoding.artifacts(made, fps)
