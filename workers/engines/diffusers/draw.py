"""Draws a batch, by one call of a pipeline that reports every step."""

import gc
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from models.errors import EngineFailure, HeadraceError
from models.modalities import samplers
from workers.engines.accelerator.faults import out_of_memory
from workers.engines.diffusers import pictures, prompts
from workers.engines.diffusers.batch import ImageRow, Mode, Shape
from workers.engines.diffusers.model import Model
from workers.engines.diffusers.watch import StepResult, Watch, watched
from workers.engines.media.pictures import Picture

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True)
class Drawn:
    """A finished image, and whether the model's own safety checker blackened it."""

    picture: Picture
    flagged: bool


def draw(model: Model, rows: list[ImageRow], on_step: Callable[[StepResult], None]) -> list[Drawn]:
    """Draw these images, which are of one shape, in one call. Raises BatchStopped."""
    shape = rows[0].shape
    pipe = model.prepare(shape)
    with watched(pipe, Watch(model, rows, on_step)) as watching:
        output = pipe(**arguments(model, shape, rows), **watching)
    flags = getattr(output, "nsfw_content_detected", None) or getattr(output, "nsfw_detected", None)
    drawn = output.images if hasattr(output, "images") else output.image
    return [Drawn(one, bool(flag)) for one, flag in zip(drawn, flags or [False] * len(rows), strict=True)]


def warm(model: Model) -> None:
    """Draw an image, since the first one takes longer, for which no client should wait."""
    if "text" in model.pipes:
        width, height = model.size
        pipe = model.prepare(Shape("text", width, height, 2, model.guidance))
        sides = {"width": width, "height": height} if model.accepts("text", "width") else {}
        steps = {"num_inference_steps": 2} if model.accepts("text", "num_inference_steps") else {}
        pipe("", **steps, **sides)


def arguments(model: Model, shape: Shape, rows: list[ImageRow]) -> dict[str, Any]:
    """What the pipeline is called with for these images; what it has no argument for is left out."""
    mode = shape.mode
    given: dict[str, Any] = {
        "prompt": [row.request.body.prompt or "" for row in rows],
        "num_inference_steps": shape.steps,
        # One generator for each image, on the CPU for every device: so a seed gives the same image everywhere.
        "generator": [torch.Generator("cpu").manual_seed(row.seed) for row in rows],
        model.guidance_name(mode): shape.guidance,
        "width": shape.width,
        "height": shape.height,
        "strength": shape.strength,
        "max_area": shape.width * shape.height,  # FLUX Kontext scales what is asked for to an area of its own
    }
    if shape.steps != 2:
        given["intermediate_timesteps"] = None  # which Sana-Sprint has for two steps alone
    if shape.true_guidance and model.guidance_name(mode) != "true_cfg_scale":
        given["true_cfg_scale"] = shape.true_guidance
    if shape.negative or (model.guidance_name(mode) == "true_cfg_scale" and shape.guidance > 1):
        # Qwen-Image is guided only away from something, be it a blank, as its makers do
        given["negative_prompt"] = [row.request.body.negative_prompt or " " for row in rows]
    if shape.chunked:
        texts = [(row.request.body.prompt or "", row.request.body.negative_prompt or "") for row in rows]
        given |= dict.fromkeys(("prompt", "negative_prompt"))
        given |= prompts.embedded(model.pipes[mode], *zip(*texts, strict=True))
    given |= _pictures(model, mode, rows)
    if mode.startswith("control"):
        given["controlnet_conditioning_scale"] = shape.control_scale
    return {name: value for name, value in given.items() if model.accepts(mode, name)}


def _pictures(model: Model, mode: Mode, rows: list[ImageRow]) -> dict[str, Any]:
    """The arguments of a pipeline that are pictures."""
    if mode == "text":
        return {}
    images: Any = [row.request.image for row in rows]
    if model.several_images:
        images = [rows[0].request.image, *rows[0].request.others]  # such a pipeline draws one picture at a time
    elif len(images) == 1 and model.as_it_is(mode):
        images = images[0]  # some resize a picture, and leave a list as it is
    if mode == "control":
        return {"control_image" if model.accepts(mode, "control_image") else "image": images}
    given = {"images" if model.accepts(mode, "images") else "image": images}
    if "inpaint" in mode:
        given["mask_image"] = [row.request.mask for row in rows]
    if mode.startswith("control"):
        given["control_image"] = [row.request.control for row in rows]
    return given


def in_halves(
    rows: list[ImageRow], work: Callable[[list[ImageRow]], Sequence[T]], shrunk: Callable[[int], None]
) -> list[T | HeadraceError]:
    """Do ``work`` on the rows. Returns one result for each. A batch that does not fit into memory is done in halves.

    ``shrunk`` is called with the number of images that is tried next. A single image that does not fit has an error as
    its result.
    """
    try:
        return [*work(rows)]
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        log.warning("%d images of %s do not fit into memory: %s", len(rows), rows[0].shape.size, error)
    gc.collect()
    if torch.accelerator.is_available():
        torch.accelerator.empty_cache()
    if len(rows) == 1:
        return [EngineFailure(f"an image of {rows[0].shape.size} does not fit into the device's memory")]
    middle = (len(rows) + 1) // 2
    shrunk(middle)
    return in_halves(rows[:middle], work, shrunk) + in_halves(rows[middle:], work, shrunk)


def finish(row: ImageRow, drawn: Drawn, model: Model) -> None:
    """Make the finished file. Outside a mask all pixels of the given image stay unchanged."""
    request, shape, picture = row.request, row.shape, drawn.picture
    if request.mask is not None and request.image is not None:
        picture = request.image.copy()
        picture.paste(drawn.picture.resize(picture.size), mask=request.mask)
    row.size = "{}x{}".format(*picture.size)
    row.flagged = drawn.flagged
    row.info = infotext(row, model)
    row.data = pictures.encoded(picture, request.body, row.info)
    if picture.size != (shape.width, shape.height):
        log.warning("the pipeline drew %dx%d, not %s", *picture.size, shape.size)


def infotext(row: ImageRow, model: Model) -> str:
    """How the image was made, as AUTOMATIC1111 writes it: the prompts, then ``Steps: 20, Sampler: Euler a, …``."""
    body, shape = row.request.body, row.shape
    sampler = samplers.find(shape.sampler or model.options.scheduler or "")
    known = {
        "Steps": shape.steps,
        "Sampler": sampler.name if sampler else model.sampling.name,
        "CFG scale": f"{shape.guidance:g}",
        "Seed": row.seed,
        "Size": row.size or shape.size,
        "Model": body.model,
    }
    if shape.mode not in ("text", "control") and model.accepts(shape.mode, "strength"):
        known["Denoising strength"] = f"{shape.strength:g}"
    if shape.loras:
        known["Lora"] = " ".join(f"<lora:{name}:{scale:g}>" for name, scale in shape.loras)
    lines = [body.prompt or ""]
    if body.negative_prompt:
        lines.append(f"Negative prompt: {body.negative_prompt}")
    return "\n".join([*lines, ", ".join(f"{name}: {value}" for name, value in known.items())])
