"""From a request to what is to be drawn: opens its pictures, fills in every default, and checks every limit."""

import math
from collections.abc import Mapping
from pathlib import Path

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities.images import MOST_PIXELS, MOST_STEPS, Request
from workers.engines.diffusers import pictures
from workers.engines.diffusers.batch import ImageRequest, ImageRow, Mode, Shape
from workers.engines.diffusers.load import Model
from workers.engines.media.pictures import flat, opened

_CANNOT: dict[Mode, tuple[str, str]] = {
    "text": ("this model only changes images: it needs an 'image'", "image"),
    "image": ("this model cannot start from an image", "image"),
    "inpaint": ("this model cannot change a part of an image", "mask"),
    "control": ("this model cannot heed a control image", "image"),
}


def plan(request: ImageRequest, model: Model) -> None:
    """Fill in the request's shape, pictures and rows. Reads files. Raises InvalidRequest."""
    body, files = request.body, request.sink.files
    body.check_files(files.keys())
    mode = _open(request, files, "control" in model.pipes)
    if mode not in model.pipes:
        message, param = _CANNOT[mode]
        raise UnsupportedParameter(message, param=param)
    width, height = _size(request, model)
    steps = body.steps or steps_for(model.steps, body.effort, body.strength)
    request.shape = Shape(
        mode=mode,
        width=width,
        height=height,
        steps=steps,
        guidance=model.guidance if body.guidance_scale is None else body.guidance_scale,
        sampler=_sampler(body, model),
        strength=_strength(body, mode, steps, model),
        control_scale=1.0 if body.control_scale is None else body.control_scale,
        loras=_loras(body, model),
        negative=bool(body.negative_prompt),
    )
    _check_words(body, mode, model)
    for name in ("image", "mask"):
        picture = getattr(request, name)
        if picture is not None:
            setattr(request, name, pictures.scaled(picture, (width, height)))
    request.rows = [ImageRow(request, index, request.shape) for index in range(body.n)]


def _open(request: ImageRequest, files: Mapping[str, Path], controlled: bool) -> Mode:
    """Open the request's pictures. Returns the mode that they ask for."""
    if "image" not in files:
        return "text"
    image = opened(files["image"], "image")
    if "mask" in files:
        request.mask = pictures.mask_of(opened(files["mask"], "mask"))
    elif request.body.prompt:  # without a prompt a variation of the whole image is asked for
        request.mask = pictures.hole_of(image)
    request.image = image.convert("RGB") if request.mask else flat(image)
    if request.mask:
        return "inpaint"
    return "control" if controlled and request.body.strength is None else "image"


def _size(request: ImageRequest, model: Model) -> tuple[int, int]:
    multiple = model.multiple
    size = request.body.dimensions or model.size
    if request.body.dimensions is None and request.image is not None:
        size = pictures.fitted(request.image.size, math.prod(model.size), multiple)
    if size[0] % multiple or size[1] % multiple:
        raise InvalidRequest(f"this model's sizes are multiples of {multiple}", param="size")
    most = min(model.most_pixels, MOST_PIXELS // request.body.n)
    if math.prod(size) > most:
        raise InvalidRequest(
            f"{request.body.n} of {size[0]}x{size[1]} is too much: each may have {most} pixels here", param="size"
        )
    return size


def steps_for(usual: int, effort: float, strength: float | None) -> int:
    """The model's usual steps, or more or less of them by ``effort``: but so many that ``strength`` leaves one."""
    least = min(usual, math.ceil(1 / (strength or 1)))
    return max(least, min(round(usual * effort), MOST_STEPS))


def _sampler(body: Request, model: Model) -> str:
    if body.scheduler is None:
        return ""
    model.refuse_sampler(body.scheduler)
    return body.scheduler


def _strength(body: Request, mode: Mode, steps: int, model: Model) -> float:
    if mode in ("text", "control"):
        return 1.0
    strength = float(model.default(mode, "strength", 1.0) if body.strength is None else body.strength)
    if body.strength is not None and not model.accepts(mode, "strength"):
        raise UnsupportedParameter("'strength' is not supported by this model", param="strength")
    if int(steps * strength) < 1:
        raise InvalidRequest(f"a 'strength' of {strength:g} leaves nothing of {steps} steps to do", param="strength")
    return strength


def _loras(body: Request, model: Model) -> tuple[tuple[str, float], ...]:
    asked = {lora.name: lora.scale for lora in body.lora or []}
    if unknown := asked.keys() - model.loras:
        known = ", ".join(sorted(model.loras)) or "none"
        raise InvalidRequest(f"no LoRA '{min(unknown)}'; this model was launched with: {known}", param="lora")
    return tuple(sorted(asked.items()))


def _check_words(body: Request, mode: Mode, model: Model) -> None:
    if body.negative_prompt and not model.accepts(mode, "negative_prompt"):
        raise UnsupportedParameter("'negative_prompt' is not supported by this model", param="negative_prompt")
    if body.control_scale is not None and mode != "control":
        raise UnsupportedParameter("'control_scale' needs a ControlNet and its image", param="control_scale")
