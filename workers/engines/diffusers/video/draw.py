"""Makes a video by one call of a pipeline that reports every step."""

import gc
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from models.errors import EngineFailure
from workers.engines.accelerator.faults import out_of_memory
from workers.engines.diffusers.video.model import VideoModel, VideoShape
from workers.engines.diffusers.video.plan import VideoRequest
from workers.engines.diffusers.watch import BatchStopped, StepWatch, watched
from workers.engines.media.pictures import Picture
from workers.engines.media.video_encoding import Frame

log = logging.getLogger(__name__)


class VideoWatch(StepWatch):
    """What is told of one video: ``on_step`` gets the number of steps taken, and of all."""

    def __init__(self, request: VideoRequest, on_step: Callable[[int, int], None]) -> None:
        self._request = request
        self._on_step = on_step

    def after(self, index: int, total: int, latents: torch.Tensor) -> None:
        self._on_step(index + 1, max(index + 1, total))
        self.stop_unwanted()

    def stop_unwanted(self) -> None:
        if self._request.over:
            raise BatchStopped


def draw(model: VideoModel, request: VideoRequest, on_step: Callable[[int, int], None]) -> list[Frame]:
    """The frames of a video. Raises BatchStopped; EngineFailure where it does not fit into memory."""
    shape = request.shape
    assert shape is not None
    pipe = model.prepare(shape)
    try:
        with watched(pipe, VideoWatch(request, on_step)) as watching:
            output = pipe(**arguments(model, request, shape), **watching)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        log.warning("%d frames of %s do not fit into memory: %s", shape.frames, shape.size, error)
    else:
        return _frames(output.frames[0])
    gc.collect()
    if torch.accelerator.is_available():
        torch.accelerator.empty_cache()
    raise EngineFailure(
        f"a video of {shape.frames} frames of {shape.size} does not fit into the device's memory: "
        "ask for fewer frames, or for a smaller size"
    )


def arguments(model: VideoModel, request: VideoRequest, shape: VideoShape) -> dict[str, Any]:
    """What the pipeline is called with; what it has no argument for is left out."""
    body = request.body
    given: dict[str, Any] = model.calls | {
        "prompt": body.prompt or "",
        "negative_prompt": body.negative_prompt,
        "num_inference_steps": shape.steps,
        # on the CPU for every device: so a seed gives the same video everywhere
        "generator": torch.Generator("cpu").manual_seed(request.seed),
        model.guidance_name(shape.mode): shape.guidance,
        "guidance_scale_2": shape.low_guidance,
        "width": shape.width,
        "height": shape.height,
        "num_frames": shape.frames,
        "frame_rate": shape.fps,
        "output_type": "np",
    }
    given |= _pictures(model, shape, request.image, request.last)
    return {name: value for name, value in given.items() if value is not None and model.accepts(shape.mode, name)}


def _pictures(model: VideoModel, shape: VideoShape, image: Picture | None, last: Picture | None) -> dict[str, Any]:
    """The arguments that are pictures: one for each, or both in a list with the numbers of their frames."""
    if model.family.last or last is None:
        return {"image": image, model.family.last: last}
    return {"image": [image, last], "video": [None, None], "frame_index": [0, shape.frames - 1]}


def _frames(made: Any) -> list[Frame]:
    """The frames as bytes, rounded as the library rounds pictures, one after the other to spare memory."""
    return [(frame * 255).round().astype(np.uint8) for frame in made]


def warm(model: VideoModel) -> None:
    """Make a video of the fewest frames, of one step: the first one takes longer, and no client should wait for it."""
    mode = next(iter(model.pipes))
    side = -(-64 // model.multiple) * model.multiple
    width, height = model.only_shape[:2] if model.only_shape else (side, side)
    shape = VideoShape(mode, width, height, model.first_length + model.length_step, model.fps, 1, model.guidance)
    picture = Image.new("RGB", (width, height), "grey")
    given: dict[str, Any] = {
        "prompt": "",
        "num_inference_steps": shape.steps,
        "width": width,
        "height": height,
        "num_frames": shape.frames,
        "output_type": "np",
    }
    if mode != "text":
        given |= _pictures(model, shape, picture, picture if mode == "frames" else None)
    known = {name: value for name, value in given.items() if value is not None and model.accepts(mode, name)}
    model.prepare(shape)(**known)
