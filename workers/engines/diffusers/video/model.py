"""A loaded model of videos: its pipelines, one for each mode, and the defaults and limits of what may be asked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers

from models.errors import InvalidRequest
from models.launching.defaults.films import FilmDefaults, defaults_of
from models.launching.options.pipelines import VideoOptions
from models.modalities.images import sides_of
from models.modalities.videos import refuse_length
from models.modalities.videos.limits import MODE_ABILITIES, VideoLimits, VideoMode
from workers.engines.base import Capacity
from workers.engines.diffusers.checkpoint import shown_by
from workers.engines.diffusers.model import Pipelines, first
from workers.engines.diffusers.sampling import Samplers
from workers.engines.diffusers.tasks import as_pipeline
from workers.engines.diffusers.video import families
from workers.engines.diffusers.video.families import FAMILIES

_CLEAN = {"decode_timestep": 0.05, "decode_noise_scale": 0.025}
"""How LTX's decoders that also take away noise are called, as their makers do."""


@dataclass(frozen=True, slots=True)
class VideoShape:
    """What is to be made: sides in pixels, frames, and how. ``low_guidance``: of a second network; None: the same."""

    mode: VideoMode
    width: int
    height: int
    frames: int
    fps: float
    steps: int
    guidance: float
    low_guidance: float | None = None
    loras: tuple[tuple[str, float], ...] = ()

    @property
    def size(self) -> str:
        """The size as OpenAI writes it."""
        return f"{self.width}x{self.height}"


class VideoModel(Pipelines):
    """A loaded model of videos."""

    def __init__(self, base: Any, options: VideoOptions, device: str, threads: int | None, source: Path) -> None:
        """``source``: where the weights lie."""
        made = {name: _named(name, base) for name in dict.fromkeys(families.modes_of(base).values())}
        super().__init__(
            base, {mode: made[name] for mode, name in families.modes_of(base).items()}, options, device, threads
        )
        self.family = FAMILIES[type(base).__name__]
        self.options = options
        self.sampling = Samplers(base, _shifted(base, options.flow_shift), "")
        self.first_length, self.length_step = families.lengths_of(base)
        self.multiple = families.multiple_of(base)
        self.only_shape = families.only_shape(base)
        self.calls = _CLEAN if base.vae.config.get("timestep_conditioning") else {}
        found, usual = defaults_of(shown_by(base, source)), next(iter(self.pipes))
        self.size, self.frames = self._usual(base, options, found, usual)
        self.fps = float(first(options.default_fps, found.fps, self.family.fps))
        self.steps: int = first(options.default_steps, found.steps, self.default(usual, "num_inference_steps", 50))
        self.guidance = float(first(options.default_guidance, found.guidance, self.own_guidance(usual)))
        second = base.config.get("boundary_ratio") is not None and self.accepts(usual, "guidance_scale_2")
        self.low_guidance = found.low_guidance if second and options.default_guidance is None else None
        self.distilled = found.distilled
        self.most_pixels = options.max_pixels or 4 * self.size[0] * self.size[1] * self.frames

    def _usual(
        self, base: Any, options: VideoOptions, found: FilmDefaults, mode: VideoMode
    ) -> tuple[tuple[int, int], int]:
        """The size and the number of frames of a request that names none. Raises InvalidRequest for bad options."""
        width, height, frames = families.usual_shape(base)
        own = (width or self.default(mode, "width", 512), height or self.default(mode, "height", 512))
        size = sides_of(options.default_size) or tuple(side - side % self.multiple for side in found.size or own)
        if any(side % self.multiple for side in size) or (self.only_shape and size != self.only_shape[:2]):
            only = "{}x{} alone".format(*self.only_shape) if self.only_shape else f"multiples of {self.multiple}"
            raise InvalidRequest(f"this model's sizes are {only}", param="default_size")
        count: int = first(options.default_frames, found.frames, frames, self.default(mode, "num_frames", 49))
        if options.default_frames:
            refuse_length(count, self.length_step, self.first_length, param="default_frames")
        return (size[0], size[1]), count - (count - self.first_length) % self.length_step

    @property
    def capacity(self) -> Capacity:
        """See ``base.Loaded``. One: what waits here has begun an attempt, which this process's end would cost it."""
        return Capacity(1, 0)

    @property
    def limits(self) -> VideoLimits:
        """What can be made."""
        return VideoLimits(
            modes=tuple(self.pipes),
            size=self.size,
            frames=self.frames,
            fps=self.fps,
            multiple=self.multiple,
            first_length=self.first_length,
            length_step=self.length_step,
            most_pixels=self.most_pixels,
            only_shape=self.only_shape,
        )

    @property
    def told(self) -> dict[str, Any]:
        """What a request that leaves it out gets, for those who ask about the model."""
        width, height = self.size
        second = {} if self.low_guidance is None else {"guidance_scale_2": self.low_guidance}
        return {
            "steps": self.steps,
            "guidance_scale": self.guidance,
            **second,
            "size": f"{width}x{height}",
            "num_frames": self.frames,
            "fps": self.fps,
            "seconds": round(self.frames / self.fps, 3),
            "lengths": f"{self.length_step}k+{self.first_length}",
            "scheduler": self.sampling.name,
            "distilled": self.distilled,
        }

    @property
    def abilities(self) -> list[str]:
        """What it can do, in Xinference's words."""
        return [MODE_ABILITIES[mode] for mode in self.pipes]

    def prepare(self, shape: VideoShape) -> Any:
        """The pipeline for this shape, with a fresh sampler and its LoRAs. To be called in the drawing thread alone."""
        pipe = self.pipes[shape.mode]
        pipe.scheduler = self.sampling.fresh("")
        self.activate(shape.loras)
        return pipe


def _named(name: str, base: Any) -> Any:
    return base if type(base).__name__ == name else as_pipeline(getattr(diffusers, name), base)


def _shifted(base: Any, shift: float | None) -> dict[str, float]:
    """What is put into the sampler's configuration. Raises InvalidRequest where it has no such number of its own."""
    if shift is None:
        return {}
    config = base.scheduler.config
    name = next((one for one in ("flow_shift", "shift") if one in config), None)
    if name is None or config.get("use_dynamic_shifting"):
        raise InvalidRequest("this model's sampler has no shift that could be set", param="flow_shift")
    return {name: shift}
