"""The engine without weights, launched as a model of type video: it draws a bar that wanders over a plain colour.

Pictures are its first and its last frame.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

from models.errors import InvalidRequest
from models.modalities.media import Artifact
from models.modalities.videos import Request, outcome
from models.modalities.videos.limits import VideoLimits, frame_count, refuse_amount, size_of
from workers.engines.base import Capacity, Engine, EngineSite, MediaSink, Report

_LIMITS = VideoLimits(("text", "image", "frames"), (64, 64), 9, 8, length_step=4, most_pixels=1 << 24)
_ABILITIES = ["text2video", "image2video", "firstlastframe2video"]
_STEPS = 4


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
        usual = {"size": "64x64", "num_frames": _LIMITS.frames, "fps": _LIMITS.fps, "steps": _STEPS}
        self.told = {"abilities": _ABILITIES, "defaults": usual, "limits": asdict(_LIMITS)}
        self._drawing: dict[str, asyncio.Task[None]] = {}

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> EchoVideoOptions:
        """Refuse: ``Echo`` loads both."""
        raise InvalidRequest("launch echo with model_type 'video'", param="model_type")

    def videos(self, request: Request, sink: MediaSink) -> None:
        """Draw a few frames."""
        request.check_files(sink.files.keys())
        fps, (width, height) = request.fps or _LIMITS.fps, size_of(_LIMITS, request)
        frames = frame_count(_LIMITS, request, fps)
        refuse_amount(_LIMITS, frames, (width, height))
        drawing = asyncio.create_task(
            self._draw(request, (frames, height, width), fps, sink), name=f"echo video {sink.rid}"
        )
        self._drawing[sink.rid] = drawing
        drawing.add_done_callback(lambda _: self._drawing.pop(sink.rid, None))

    async def _draw(self, request: Request, shape: tuple[int, int, int], fps: float, sink: MediaSink) -> None:
        steps = request.steps or _STEPS
        for step in range(steps):
            await asyncio.sleep(self._step_s)
            sink.progress(step + 1, steps)
        seed = secrets.randbits(53) if request.seed is None else request.seed
        frames, height, width = shape
        try:
            artifacts = await asyncio.to_thread(_encoded, request.prompt or "", seed, shape, fps, sink.files)
        except InvalidRequest as error:
            sink.fail(error)
        else:
            sink.done(outcome(artifacts, f"{width}x{height}", frames, fps, seed=seed, steps=steps))

    def abort(self, rid: str) -> None:
        if drawing := self._drawing.pop(rid, None):
            drawing.cancel()

    def close(self) -> None:
        for drawing in list(self._drawing.values()):
            drawing.cancel()


def _encoded(
    prompt: str, seed: int, shape: tuple[int, int, int], fps: float, files: Mapping[str, Path]
) -> list[Artifact]:
    import numpy as np  # here, since the engine of texts needs none of these
    from PIL import ImageOps

    from workers.engines.media import video_encoding
    from workers.engines.media.pictures import flat, opened

    frames, height, width = shape
    colour = crc32(f"{seed} {prompt}".encode())
    made: Any = np.empty((frames, height, width, 3), np.uint8)
    made[:] = [colour >> shift & 0x7F for shift in (0, 8, 16)]
    for number, frame in enumerate(made):
        at = number * width // frames
        frame[:, at : at + max(2, width // 8)] = 255
    for name, number in (("image", 0), ("last_image", -1)):
        if name in files:
            made[number] = np.asarray(ImageOps.fit(flat(opened(files[name], name)), (width, height)))
    return video_encoding.artifacts(made, fps)
