"""From a request to what is to be drawn: opens its pictures, fills in every default, and checks every limit."""

import math
from collections.abc import Mapping
from pathlib import Path

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities.images import MOST_PIXELS, MOST_STEPS, Request, is_image
from workers.engines.diffusers import pictures, prompts
from workers.engines.diffusers.batch import ImageRequest, ImageRow, Mode, Shape
from workers.engines.diffusers.model import Model
from workers.engines.media.pictures import flat, opened

_CANNOT: dict[Mode, tuple[str, str]] = {
    "text": ("this model only changes images: it needs an 'image'", "image"),
    "image": ("this model cannot start from an image", "image"),
    "inpaint": ("this model cannot change a part of an image", "mask"),
    "control": ("this model cannot heed a control image", "image"),
    "control_image": ("this model cannot start from an image under a control image", "control_image"),
    "control_inpaint": ("this model cannot change a part of an image under a control image", "control_image"),
}
_ALONE: dict[Mode, str] = {
    "inpaint": "this model only changes parts of images: it needs an 'image' and a 'mask'",
    "control": "this model draws after a control image: it needs an 'image'",
    "control_image": "this model needs an 'image' and a 'control_image'",
}
"""What a model is for that cannot draw from a prompt, by the first mode that it has."""


def plan(request: ImageRequest, model: Model) -> None:
    """Fill in the request's shape, pictures and rows. Reads files. Raises InvalidRequest."""
    body, files = request.body, request.sink.files
    body.check_files(files.keys())
    mode = _open(request, files, model)
    if mode not in model.pipes:
        message, param = _CANNOT[mode]
        only = next(iter(model.pipes))
        raise UnsupportedParameter(_ALONE.get(only, message) if mode == "text" else message, param=param)
    width, height = _size(request, model)
    steps = body.steps or steps_for(model.steps, body.effort, body.strength)
    request.shape = Shape(
        mode=mode,
        width=width,
        height=height,
        steps=steps,
        guidance=model.guidance if body.guidance_scale is None else body.guidance_scale,
        true_guidance=body.true_cfg_scale or 0.0,
        sampler=_sampler(body, mode, model),
        strength=_strength(body, mode, steps, model),
        control_scale=_control_scale(body, mode, model),
        loras=model.chosen_loras(body.lora),
        negative=bool(body.negative_prompt),
        chunked=_chunked(body, mode, model),
    )
    _check_words(body, mode, model)
    request.ignored = ignored(request, request.shape, model)
    request.warning = _cut(body, request.shape, model)
    if mode == "inpaint" and "control" in model.pipes:
        request.warn("the ControlNet was not heeded: beside a mask it needs a 'control_image'")
    for name in ("image", "mask", "control"):
        picture = getattr(request, name)
        if picture is not None and not (name == "image" and model.as_it_is(mode)):
            setattr(request, name, pictures.scaled(picture, (width, height)))
    request.rows = [ImageRow(request, index, request.shape) for index in range(body.n)]


def _open(request: ImageRequest, files: Mapping[str, Path], model: Model) -> Mode:
    """Open the request's pictures. Returns the mode that they ask for."""
    if "image" not in files:
        return "text"
    image = opened(files["image"], "image")
    if "mask" in files:
        request.mask = pictures.mask_of(opened(files["mask"], "mask"))
    elif request.body.prompt and not model.several_images:  # without a prompt a variation of the whole is asked for
        request.mask = pictures.hole_of(image)
    request.image = image.convert("RGB") if request.mask else flat(image)
    if model.several_images:
        names = sorted(filter(is_image, files), key=lambda name: (len(name), name))
        request.others = [flat(opened(files[name], "image")) for name in names]
    if "control_image" in files:
        request.control = flat(opened(files["control_image"], "control_image"))
        return "control_inpaint" if request.mask else "control_image"
    if request.mask:
        return "inpaint"
    return "control" if "control" in model.pipes and request.body.strength is None else "image"


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


def _sampler(body: Request, mode: Mode, model: Model) -> str:
    if body.scheduler is None:
        return ""
    model.sampling.refuse(body.scheduler, param="scheduler", redraws=model.accepts(mode, "strength"))
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


def _control_scale(body: Request, mode: Mode, model: Model) -> float:
    default = model.default(mode, "controlnet_conditioning_scale", 1.0)  # some have a list, for several ControlNets
    usual = float(default) if isinstance(default, int | float) else 1.0
    return usual if body.control_scale is None else body.control_scale


def _chunked(body: Request, mode: Mode, model: Model) -> bool:
    """Whether the prompts are read as AUTOMATIC1111 reads them: in chunks, with weights."""
    return (body.prompt_syntax or model.options.prompt_syntax) == "a1111" and prompts.reads(model.pipes[mode])


def _cut(body: Request, shape: Shape, model: Model) -> str:
    """That a prompt is cut, and what helps; empty where all of it is read."""
    pipe = model.pipes[shape.mode]
    told = "" if shape.chunked else prompts.cut(pipe, body.prompt, body.negative_prompt)
    return f"{told}: with prompt_syntax a1111 all of it is read" if told and prompts.reads(pipe) else told


def _check_words(body: Request, mode: Mode, model: Model) -> None:
    if body.negative_prompt and not model.accepts(mode, "negative_prompt"):
        raise UnsupportedParameter("'negative_prompt' is not supported by this model", param="negative_prompt")
    if body.true_cfg_scale is not None and not model.accepts(mode, "true_cfg_scale"):
        raise UnsupportedParameter("'true_cfg_scale' is not supported by this model", param="true_cfg_scale")
    if body.control_scale is not None and not mode.startswith("control"):
        raise UnsupportedParameter("'control_scale' needs a ControlNet and its image", param="control_scale")


def ignored(request: ImageRequest, shape: Shape, model: Model) -> list[str]:
    """The fields and files of a request that have no effect on what this model draws."""
    body, mode, found = request.body, shape.mode, []
    if body.prompt and not model.accepts(mode, "prompt"):
        found.append("prompt")
    if body.steps is not None and not model.accepts(mode, "num_inference_steps"):
        found.append("steps")
    if body.guidance_scale is not None and not model.heeds_guidance(mode):
        found.append("guidance_scale")
    if body.true_cfg_scale is not None and not body.negative_prompt:
        found.append("true_cfg_scale")
    if body.negative_prompt and not model.heeds_negative(mode, shape.guidance, shape.true_guidance):
        found.append("negative_prompt")
    if body.prompt_syntax == "a1111" and not shape.chunked and len(prompts.parsed(body.prompt or "")) > 1:
        found.append("prompt_syntax")
    if body.seed is not None and not model.accepts(mode, "generator"):
        found.append("seed")
    others = sum(map(is_image, request.sink.files))
    return found + [f"image[{number + 1}]" for number in range(others) if not model.several_images]
