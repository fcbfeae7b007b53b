"""From a request to what is to be made: opens its pictures, fills in every default, and checks every limit."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from PIL import ImageOps

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities.videos import MOST_PIXELS, Request, frames_of, refuse_length
from workers.engines.base import MediaSink
from workers.engines.diffusers import prompts
from workers.engines.diffusers.pictures import fitted
from workers.engines.diffusers.video.families import VideoMode
from workers.engines.diffusers.video.model import VideoModel, VideoShape
from workers.engines.media.pictures import Picture, flat, opened

_CANNOT: dict[VideoMode, tuple[str, str]] = {
    "text": ("this model makes videos of pictures: it needs an 'image', the first frame", "image"),
    "image": ("this model makes videos of texts alone: it takes no 'image'", "image"),
    "frames": ("this model takes no 'last_image'", "last_image"),
}


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
    mode: VideoMode = "frames" if "last_image" in files else "image" if "image" in files else "text"
    if mode not in model.pipes:
        if mode == "image" and "frames" in model.pipes:
            raise UnsupportedParameter("this model needs a 'last_image' beside the 'image'", param="last_image")
        message, param = _CANNOT["image" if mode == "frames" and "image" not in model.pipes else mode]
        raise UnsupportedParameter(message, param=param)
    image, last = (_opened(files[name], name) if name in files else None for name in ("image", "last_image"))
    width, height = _size(body, model, image)
    fps = body.fps or model.fps
    frames = _frames(body, model, fps)
    _bound(frames, (width, height), model)
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


def _size(body: Request, model: VideoModel, image: Picture | None) -> tuple[int, int]:
    size, multiple = body.dimensions or model.size, model.multiple
    if model.only_shape is not None:
        only = model.only_shape[:2]
        if body.dimensions not in (None, only):
            raise InvalidRequest(f"this model makes videos of {only[0]}x{only[1]} alone", param="size")
        return only
    if body.dimensions is None and image is not None:
        size = fitted(image.size, math.prod(model.size), multiple)
    if size[0] % multiple or size[1] % multiple:
        near = "x".join(str(max(multiple, round(side / multiple) * multiple)) for side in size)
        raise InvalidRequest(f"this model's sizes are multiples of {multiple}: {near} is near", param="size")
    return size


def _frames(body: Request, model: VideoModel, fps: float) -> int:
    if body.num_frames is not None:
        refuse_length(body.num_frames, model.length_step, model.first_length)
        return body.num_frames
    if body.seconds is not None:
        return frames_of(body.seconds, fps, model.length_step, model.first_length)
    return model.frames


def _bound(frames: int, size: tuple[int, int], model: VideoModel) -> None:
    """Raise InvalidRequest for more frames than may be made in this size."""
    most = min(model.most_pixels, MOST_PIXELS) // math.prod(size)
    if model.only_shape is not None:
        most = min(most, model.only_shape[2])
    if frames <= most:
        return
    longest = most - (most - model.first_length) % model.length_step
    told = f"it may have {longest} frames of that size here" if longest > 0 else "ask for a smaller size"
    raise InvalidRequest(
        f"a video of {frames} frames of {size[0]}x{size[1]} is too much: {told}",
        param="size" if longest <= 0 else "num_frames",
    )


def _ignored(body: Request, shape: VideoShape, model: VideoModel) -> list[str]:
    """The fields of a request that have no effect on what this model makes."""
    found = []
    if body.guidance_scale is not None and not model.heeds_guidance(shape.mode):
        found.append("guidance_scale")
    if body.negative_prompt and not model.heeds_negative(shape.mode, shape.guidance, 0.0):
        found.append("negative_prompt")
    return found
