"""From a request to what is to be made: opens its pictures, fills in every default, and checks every limit."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from PIL import ImageOps

from models.errors import UnsupportedParameter
from models.modalities.videos import Request
from models.modalities.videos.limits import frame_count, mode_of, refuse_amount, size_of
from workers.engines.base import MediaSink
from workers.engines.diffusers import prompts
from workers.engines.diffusers.pictures import fitted
from workers.engines.diffusers.video.model import VideoModel, VideoShape
from workers.engines.media.pictures import Picture, flat, opened


@dataclass(eq=False, slots=True)
class VideoRequest:
    """One request. Belongs to the event loop, except ``over``, which other threads read.

    ``image`` and ``last`` are the first and the last frame; ``ignored`` the fields that have no effect on this model,
    ``warning`` what the video lacks, in a sentence.
    """

    sink: MediaSink
    body: Request
    seed: int
    shape: VideoShape | None = None
    image: Picture | None = None
    last: Picture | None = None
    ignored: list[str] = field(default_factory=list)
    warning: str = ""
    over: bool = False


def plan(request: VideoRequest, model: VideoModel) -> VideoShape:
    """Set the request's shape and pictures. Reads files. Raises InvalidRequest."""
    body, files = request.body, request.sink.files
    body.check_files(files.keys())
    limits = model.limits
    mode = mode_of(limits.modes, files)
    image, last = (_opened(files[name], name) if name in files else None for name in ("image", "last_image"))
    fitting = None
    if image is not None and body.dimensions is None and limits.only_shape is None:
        fitting = fitted(image.size, math.prod(limits.size), limits.multiple)
    width, height = size_of(limits, body, fitting)
    fps = body.fps or model.fps
    frames = frame_count(limits, body, fps)
    refuse_amount(limits, frames, (width, height))
    guidance = model.guidance if body.guidance_scale is None else body.guidance_scale
    shape = VideoShape(
        mode=mode,
        width=width,
        height=height,
        frames=frames,
        fps=fps,
        steps=body.steps or model.steps,
        guidance=guidance,
        low_guidance=model.low_guidance if body.guidance_scale is None else None,
        loras=model.chosen_loras(body.lora),
    )
    if body.negative_prompt and not model.accepts(mode, "negative_prompt"):
        raise UnsupportedParameter("'negative_prompt' is not supported by this model", param="negative_prompt")
    request.image = image and ImageOps.fit(image, (width, height))
    request.last = last and ImageOps.fit(last, (width, height))
    request.ignored = _ignored(body, shape, model)
    request.warning = prompts.cut(model.pipes[mode], body.prompt, body.negative_prompt)
    request.shape = shape
    return shape


def _opened(path: Path, name: str) -> Picture:
    return flat(opened(path, name))


def _ignored(body: Request, shape: VideoShape, model: VideoModel) -> list[str]:
    """The fields of a request that have no effect on what this model makes."""
    found = []
    if body.guidance_scale is not None and not model.heeds_guidance(shape.mode):
        found.append("guidance_scale")
    if body.negative_prompt and not model.heeds_negative(shape.mode, shape.guidance, 0.0):
        found.append("negative_prompt")
    return found
