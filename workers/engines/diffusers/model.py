"""A loaded model: its pipelines, one for each mode, and the defaults and limits of what may be asked of them."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from models.errors import InvalidRequest
from models.launching.defaults.pictures import defaults_of
from models.launching.options.pipelines import DiffusersOptions, PipelineOptions
from models.modalities.images import Lora, sides_of
from workers.engines.accelerator.memory import pictures_at_once
from workers.engines.accelerator.torch_card import card_of
from workers.engines.base import Capacity
from workers.engines.diffusers.batch import Mode, Shape
from workers.engines.diffusers.checkpoint import shown_by
from workers.engines.diffusers.sampling import Samplers
from workers.engines.diffusers.tasks import SEVERAL_IMAGES, pipes_of


class Pipelines:
    """Pipelines for the modes that weights can draw in, all with the same weights, and what may be asked of them.

    ``Mode`` names a mode of pictures; videos have modes of their own, which are strings, too.
    """

    def __init__(
        self, base: Any, pipes: Mapping[Any, Any], options: PipelineOptions, device: str, threads: int | None
    ) -> None:
        """``threads`` of the CPU, None: as many as PyTorch takes."""
        self.base = base
        self.threads = threads
        self.pipes = dict(pipes)
        for pipe in self.pipes.values():
            pipe.set_progress_bar_config(disable=True)
            if options.cpu_offload:
                pipe.enable_model_cpu_offload(device=device)
        self._arguments: dict[str, Any] = {
            mode: inspect.signature(pipe.__call__).parameters for mode, pipe in self.pipes.items()
        }
        self.loras = frozenset(options.loras)
        self._active_loras: tuple[tuple[str, float], ...] | None = None

    def chosen_loras(self, asked: Sequence[Lora] | None) -> tuple[tuple[str, float], ...]:
        """The names of LoRAs with their scales. Raises InvalidRequest where the model was not launched with one."""
        scales = {lora.name: lora.scale for lora in asked or ()}
        if unknown := scales.keys() - self.loras:
            known = ", ".join(sorted(self.loras)) or "none"
            raise InvalidRequest(f"no LoRA '{min(unknown)}'; this model was launched with: {known}", param="lora")
        return tuple(sorted(scales.items()))

    def accepts(self, mode: str, name: str) -> bool:
        """Whether the pipeline has an argument of this name."""
        return name in self._arguments.get(mode, {})

    def default(self, mode: str, name: str, otherwise: Any) -> Any:
        """The pipeline's default for an argument; ``otherwise`` where it has none."""
        argument = self._arguments.get(mode, {}).get(name)
        if argument is None or argument.default in (None, inspect.Parameter.empty):
            return otherwise
        return argument.default

    def guidance_name(self, mode: str) -> str:
        """The pipeline's name for what others call ``guidance_scale``, such as ``true_cfg_scale``."""
        named = self._arguments.get(mode, {}).get("guidance_scale")
        if named is not None and named.default is not None:
            return "guidance_scale"
        others = ("true_cfg_scale", "prior_guidance_scale")
        return next((name for name in others if self.accepts(mode, name)), "guidance_scale")

    def heeds_guidance(self, mode: str) -> bool:
        """Whether guidance changes the picture: FLUX schnell and others that were distilled do not know it."""
        if self.base.config.get("is_distilled"):
            return self._guided(mode, 100.0)
        if self.guidance_name(mode) == "true_cfg_scale" or not self.accepts(mode, "guidance_scale"):
            return self.accepts(mode, self.guidance_name(mode))
        told = getattr(getattr(self.base, "transformer", None), "config", {}).get("guidance_embeds")
        alone = self.accepts(mode, "true_cfg_scale") or not self.accepts(mode, "negative_prompt")
        return told is not False or not alone

    def heeds_negative(self, mode: str, guidance: float, true_guidance: float) -> bool:
        """Whether a negative prompt changes the picture, under this guidance."""
        if self.guidance_name(mode) == "true_cfg_scale":
            return guidance > 1
        if self.accepts(mode, "true_cfg_scale"):
            return true_guidance > 1
        return self._guided(mode, guidance)

    def _guided(self, mode: str, guidance: float) -> bool:
        """Whether the pipeline guides away from a negative prompt, or from none, under this guidance."""
        pipe = self.pipes[mode]
        rule = getattr(type(pipe), "do_classifier_free_guidance", None)
        if not isinstance(rule, property) or rule.fget is None:
            return guidance > 1
        asked = SimpleNamespace(_guidance_scale=guidance, guidance_scale=guidance, config=pipe.config)
        asked.unet = getattr(pipe, "unet", None)
        try:
            return bool(rule.fget(asked))  # the pipeline's own rule, asked without the pipeline, which may be drawing
        except (AttributeError, TypeError):
            return guidance > 1

    def own_guidance(self, mode: str) -> float:
        """The pipeline's own default."""
        return float(self.default(mode, self.guidance_name(mode), 0.0))

    def activate(self, loras: tuple[tuple[str, float], ...]) -> None:
        """Apply these LoRAs, each with its scale, and no others. To be called in the drawing thread alone."""
        if loras == self._active_loras or not self.loras:
            return
        self._active_loras = None
        if loras:
            self.base.enable_lora()
            self.base.set_adapters([name for name, _ in loras], [scale for _, scale in loras])
        else:
            self.base.disable_lora()
        self._active_loras = loras


class Model(Pipelines):
    """A loaded model of pictures: one pipeline for each mode that it can draw in, all with the same weights."""

    def __init__(
        self,
        base: Any,
        control: Any,
        options: DiffusersOptions,
        device: str,
        dtype: torch.dtype,
        threads: int | None,
        source: Path,
    ) -> None:
        """``source``: where the weights lie; ``threads`` of the CPU, None: as many as PyTorch takes."""
        super().__init__(base, pipes_of(base, control), options, device, threads)
        defaults = defaults_of(shown_by(base, source))
        self.options = options
        self._device = device
        self._number_bytes = dtype.itemsize
        self.sampling = Samplers(base, defaults.scheduling, defaults.sampler)
        unet = hasattr(base, "unet")
        self.multiple = _multiple(base)
        self.size = _default_size(base, options)
        self.most_pixels = options.max_pixels or 4 * self.size[0] * self.size[1]
        usual: Mode = next(iter(self.pipes))
        own_steps, own_guidance = self.default(usual, "num_inference_steps", 30), self.own_guidance(usual)
        self.steps: int = first(options.default_steps, defaults.steps, own_steps)
        self.guidance = float(first(options.default_guidance, defaults.guidance, own_guidance))
        self.distilled = defaults.distilled
        self.max_batch = options.max_batch or (4 if device == "cpu" else 8)
        self._images_together = unet  # other models take several given images as parts of one picture

    @property
    def capacity(self) -> Capacity:
        """See ``base.Loaded``: one batch is drawn while another waits."""
        return Capacity(2 * self.max_batch, 0)

    @property
    def several_images(self) -> bool:
        """Whether it takes several images for one picture."""
        return type(self.base).__name__ in SEVERAL_IMAGES

    @property
    def told(self) -> dict[str, Any]:
        """What a request that leaves it out gets, for those who ask about the model."""
        width, height = self.size
        return {
            "steps": self.steps,
            "guidance_scale": self.guidance,
            "size": f"{width}x{height}",
            "scheduler": self.options.scheduler or self.sampling.name,
            "distilled": self.distilled,
        }

    @property
    def abilities(self) -> list[str]:
        """What it can do, in Xinference's words."""
        words = {"text": "text2image", "image": "image2image", "inpaint": "inpainting"}
        words |= {"control": "image2image", "control_image": "image2image", "control_inpaint": "inpainting"}
        return list(dict.fromkeys(words[mode] for mode in self.pipes))

    def as_it_is(self, mode: Mode) -> bool:
        """Whether a given image may have a size of its own: it is looked at, and not drawn over."""
        sized = self.accepts(mode, "width") and not self.accepts(mode, "strength")
        return mode == "image" and sized

    def batch_of(self, shape: Shape) -> int:
        """How many images of this shape may be drawn at once: on a GPU as many as now fit, unless the launch says."""
        if (shape.mode != "text" and not self._images_together) or self.several_images:
            return 1
        card = None if self.options.max_batch else card_of(self._device)
        if card is None:
            return self.max_batch
        return pictures_at_once(card, shape.width * shape.height, self._number_bytes, most=self.max_batch)

    def prepare(self, shape: Shape) -> Any:
        """The pipeline for this shape, with its sampler and its LoRAs. To be called in the drawing thread alone."""
        pipe = self.pipes[shape.mode]
        if self.sampling.own is not None:
            pipe.scheduler = self.sampling.fresh(shape.sampler or self.options.scheduler or "")
        self.activate(shape.loras)
        return pipe


def first(*values: Any) -> Any:
    """The first that is not None."""
    return next(one for one in values if one is not None)


def _multiple(base: Any) -> int:
    """What the sides of its pictures are multiples of."""
    name = type(base).__name__
    if name.startswith("Kandinsky"):
        return 64  # they would round
    together = 1 if hasattr(base, "unet") or name.startswith("Sana") else 2  # most transformers join 2x2 latents
    return int(getattr(base, "vae_scale_factor", 8)) * together


def _default_size(base: Any, options: DiffusersOptions) -> tuple[int, int]:
    if sides := sides_of(options.default_size):
        return sides
    network = getattr(base, "unet", None) or getattr(base, "transformer", None)
    sample = getattr(base, "default_sample_size", None) or getattr(network, "config", {}).get("sample_size") or 128
    scale = 1 if type(base).__name__.startswith("IF") else 8  # DeepFloyd IF draws in pixels
    side = (sample if isinstance(sample, int) else max(sample)) * getattr(base, "vae_scale_factor", scale)
    return side, side
