"""Draws a batch, by one call of a pipeline that reports every step."""

import gc
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch.nn.functional import interpolate

from models.errors import EngineFailure, HeadraceError
from models.modalities import samplers
from workers.engines.accelerator.faults import out_of_memory
from workers.engines.diffusers import pictures
from workers.engines.diffusers.batch import ImageRequest, ImageRow, Shape
from workers.engines.diffusers.load import Model
from workers.engines.media.pictures import Picture

log = logging.getLogger(__name__)

PREVIEW_LATENTS = 16
"""Longest side of the latents that a preview is decoded from: 128 pixels for most models."""
PREVIEW_SHARE = 0.05
"""The part of the time that previews may take."""

T = TypeVar("T")


class BatchStopped(Exception):
    """Nobody waits for any image of the batch any more."""


@dataclass(slots=True)
class StepResult:
    """The results of one step: previews in JPEG, and partial images, numbered, in the format asked for."""

    rows: list[ImageRow]
    step: int
    total: int
    previews: dict[ImageRequest, bytes] = field(default_factory=dict)
    partials: dict[ImageRequest, tuple[int, bytes]] = field(default_factory=dict)


@dataclass(slots=True)
class Drawn:
    """A finished image, and whether the model's own safety checker blackened it."""

    picture: Picture
    flagged: bool


class Watch:
    """A pipeline's ``callback_on_step_end`` during one batch."""

    def __init__(self, model: Model, rows: list[ImageRow], on_step: Callable[[StepResult], None]) -> None:
        self._model = model
        self._rows = rows
        self._on_step = on_step
        self._next_preview = time.monotonic() + (model.options.preview_every_s or 0.0)
        self._previews = model.options.preview_every_s is not None and not model.options.cpu_offload

    def __call__(self, pipe: Any, index: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        """Called after each step. Raises BatchStopped, which ends the pipeline before it decodes anything."""
        result = StepResult(self._rows, index + 1, pipe.num_timesteps)
        self._on_step(result)
        if all(row.request.over for row in self._rows):
            raise BatchStopped
        if result.step < result.total and tensors["latents"].ndim == 4:
            extra = StepResult(self._rows, result.step, result.total)
            self._add_previews(extra, tensors["latents"])
            self._add_partials(extra, tensors["latents"])
            if extra.previews or extra.partials:
                self._on_step(extra)
        return {}

    def _add_previews(self, result: StepResult, latents: torch.Tensor) -> None:
        began = time.monotonic()
        if not self._previews or began < self._next_preview:
            return
        firsts = {row.request: number for number, row in reversed(list(enumerate(self._rows))) if not row.request.over}
        decoded = self._decode(latents[list(firsts.values())], PREVIEW_LATENTS)
        thumbnails = map(pictures.thumbnail, decoded)
        result.previews = dict(zip(firsts, thumbnails, strict=False))
        now = time.monotonic()
        self._next_preview = now + max(self._model.options.preview_every_s or 0.0, (now - began) / PREVIEW_SHARE)

    def _add_partials(self, result: StepResult, latents: torch.Tensor) -> None:
        for number, row in enumerate(self._rows):
            wanted = row.request.body.partial_images or 0
            due = [round((index + 1) * result.total / (wanted + 1)) for index in range(wanted)]
            if result.step in due:
                for picture in self._decode(latents[number : number + 1], None):
                    result.partials[row.request] = (due.index(result.step), pictures.encoded(picture, row.request.body))

    @torch.inference_mode()
    def _decode(self, latents: torch.Tensor, side: int | None) -> list[Picture]:
        """Pictures of the present latents, which are still noisy; none where they cannot be decoded."""
        vae = getattr(self._model.base, "vae", None)
        if vae is None or vae.config.get("latent_channels") != latents.shape[1]:
            return []
        largest = max(latents.shape[-2:])
        if side is not None and largest > side:
            latents = interpolate(latents.float(), scale_factor=side / largest, mode="area")
        latents = latents.to(vae.dtype) / vae.config.scaling_factor + (vae.config.get("shift_factor") or 0.0)
        decoded = vae.decode(latents, return_dict=False)[0].float()
        if not decoded.isfinite().all():  # some autoencoders overflow in half precision
            return []
        images: list[Picture] = self._model.base.image_processor.postprocess(decoded)
        return images


def draw(model: Model, rows: list[ImageRow], on_step: Callable[[StepResult], None]) -> list[Drawn]:
    """Draw these images, which are of one shape, in one call. Raises BatchStopped."""
    shape = rows[0].shape
    pipe = model.prepare(shape)
    output = pipe(**_arguments(model, shape, rows), callback_on_step_end=Watch(model, rows, on_step))
    flags = getattr(output, "nsfw_content_detected", None) or [False] * len(rows)
    return [Drawn(picture, bool(flag)) for picture, flag in zip(output.images, flags, strict=True)]


def warm(model: Model) -> None:
    """Draw an image, since the first one takes longer, for which no client should wait."""
    if "text" in model.pipes:
        width, height = model.size
        pipe = model.prepare(Shape("text", width, height, 2, model.guidance))
        sides = {"width": width, "height": height} if model.accepts("text", "width") else {}
        pipe("", num_inference_steps=2, **sides)


def _arguments(model: Model, shape: Shape, rows: list[ImageRow]) -> dict[str, Any]:
    mode = shape.mode
    given: dict[str, Any] = {
        "prompt": [row.request.body.prompt or "" for row in rows],
        "num_inference_steps": shape.steps,
        # One generator for each image, on the CPU for every device: so a seed gives the same image everywhere.
        "generator": [torch.Generator("cpu").manual_seed(row.seed) for row in rows],
    }
    if model.accepts(mode, model.guidance_name(mode)):
        given[model.guidance_name(mode)] = shape.guidance
    if shape.negative:
        given["negative_prompt"] = [row.request.body.negative_prompt or "" for row in rows]
    for name, side in (("width", shape.width), ("height", shape.height)):
        if model.accepts(mode, name):
            given[name] = side
    if mode == "control":
        name = "control_image" if model.accepts(mode, "control_image") else "image"
        given[name] = [row.request.image for row in rows]
        given["controlnet_conditioning_scale"] = shape.control_scale
    elif mode != "text":
        given["image"] = [row.request.image for row in rows]
        if model.accepts(mode, "strength"):
            given["strength"] = shape.strength
    if mode == "inpaint":
        given["mask_image"] = [row.request.mask for row in rows]
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
        "Sampler": sampler.name if sampler else model.own_sampler,
        "CFG scale": f"{shape.guidance:g}",
        "Seed": row.seed,
        "Size": shape.size,
        "Model": body.model,
    }
    if shape.mode in ("image", "inpaint"):
        known["Denoising strength"] = f"{shape.strength:g}"
    if shape.loras:
        known["Lora"] = " ".join(f"<lora:{name}:{scale:g}>" for name, scale in shape.loras)
    lines = [body.prompt or ""]
    if body.negative_prompt:
        lines.append(f"Negative prompt: {body.negative_prompt}")
    return "\n".join([*lines, ", ".join(f"{name}: {value}" for name, value in known.items())])
