"""Watches a drawing: its steps, previews of it, and whether anybody still waits for it."""

import inspect
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import torch
from diffusers import ModelMixin
from torch.nn.functional import interpolate

from workers.engines.diffusers import pictures
from workers.engines.diffusers.batch import ImageRequest, ImageRow
from workers.engines.diffusers.model import Model
from workers.engines.media.pictures import Picture

PREVIEW_LATENTS = 16
"""Longest side of the latents that a preview is decoded from: 128 pixels for most models."""
PREVIEW_SHARE = 0.05
"""The part of the time that previews may take."""


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


class StepWatch(ABC):
    """What is told of one call of a pipeline: its ``callback_on_step_end``, or called from its scheduler."""

    def __call__(self, pipe: Any, index: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        """Called after each step. Raises BatchStopped, which ends the pipeline before it decodes anything."""
        self.after(index, pipe.num_timesteps, tensors["latents"])
        return {}

    @abstractmethod
    def after(self, index: int, total: int, latents: torch.Tensor) -> None:
        """Tell of step ``index`` of so many, from 0, with what it made. Raises BatchStopped."""

    @abstractmethod
    def stop_unwanted(self) -> None:
        """Raise BatchStopped where nobody waits any more."""


class Watch(StepWatch):
    """What is told of one batch of pictures."""

    def __init__(self, model: Model, rows: list[ImageRow], on_step: Callable[[StepResult], None]) -> None:
        self._model = model
        self._rows = rows
        self._on_step = on_step
        self._next_preview = time.monotonic() + (model.options.preview_every_s or 0.0)
        self._previews = model.options.preview_every_s is not None and not model.options.cpu_offload

    def after(self, index: int, total: int, latents: torch.Tensor) -> None:
        result = StepResult(self._rows, index + 1, max(index + 1, total))
        self._on_step(result)
        self.stop_unwanted()
        if result.step < result.total and latents.ndim == 4:
            extra = StepResult(self._rows, result.step, result.total)
            self._add_previews(extra, latents)
            self._add_partials(extra, latents)
            if extra.previews or extra.partials:
                self._on_step(extra)

    def stop_unwanted(self) -> None:
        if all(row.request.over for row in self._rows):
            raise BatchStopped

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


@contextmanager
def watched(pipe: Any, watch: StepWatch) -> Iterator[dict[str, Any]]:
    """Watch a call of this pipeline, by the arguments that are yielded for it, and by its networks and its scheduler.

    All pipelines stop before the next computation of a network; those that take no callback are followed by the steps
    of their scheduler.
    """
    hooks = [one.register_forward_pre_hook(lambda *_: watch.stop_unwanted()) for one in _networks(pipe)]
    try:
        if "callback_on_step_end" in inspect.signature(pipe.__call__).parameters:
            yield {"callback_on_step_end": watch}
        else:
            with _followed(getattr(pipe, "decoder_pipe", pipe), watch):
                yield {}
    finally:
        for hook in hooks:
            hook.remove()


def _networks(pipe: Any) -> list[Any]:
    """The networks that a pipeline computes at each step, and what decodes what they made."""
    parts = {name: part for name, part in pipe.components.items() if isinstance(part, ModelMixin)}
    drawing = [part for name, part in parts.items() if "vae" not in name and name not in ("movq", "vqgan")]
    decoder = getattr(parts.get("vae"), "decoder", None)
    return drawing if decoder is None else [*drawing, decoder]


@contextmanager
def _followed(pipe: Any, watch: StepWatch) -> Iterator[None]:
    """Call ``watch`` after each step of the pipeline's scheduler."""
    scheduler = getattr(pipe, "scheduler", None)
    if scheduler is None:
        yield
        return
    step, taken = scheduler.step, 0

    @wraps(step)  # pipelines look into its signature for what they may give it, such as the generators of its noise
    def told(*arguments: Any, **named: Any) -> Any:
        nonlocal taken
        result = step(*arguments, **named)
        latents = result[0] if isinstance(result, tuple) else result.prev_sample
        watch.after(taken, len(scheduler.timesteps), latents)
        taken += 1
        return result

    scheduler.step = told
    try:
        yield
    finally:
        scheduler.step = step  # a pipeline of several parts keeps its scheduler for the next call
