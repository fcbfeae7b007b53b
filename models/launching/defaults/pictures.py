"""The defaults of a checkpoint, where they are not its pipeline's: steps, guidance and sampler. A table, pure.

A pipeline's class has the defaults of the first model of its family. Checkpoints that were distilled to a few steps, or
to no guidance, are drawn with theirs: found by what the pipeline's index and the configurations of its network and
scheduler say, and where these say nothing, by the name of the repository, folder or file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

_STEPS = re.compile(r"(?<!\d)(\d{1,2})[-_ ]?steps?(?![a-z])")
_TRAILING = {"timestep_spacing": "trailing"}
DefaultsT = TypeVar("DefaultsT")
_SD = r"(?:StableDiffusion(?!3)|AltDiffusion)\w*"


@dataclass(frozen=True, slots=True)
class PictureDefaults:
    """What is drawn with where nobody says; None, or empty: as the pipeline has it.

    ``scheduling``: options for the model's own scheduler; ``sampler``: one to take in its place. ``distilled``: made
    for so few steps.
    """

    steps: int | None = None
    guidance: float | None = None
    distilled: bool = False
    sampler: str = ""
    scheduling: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a pipeline shows of itself, loaded or in its files; ``name`` is that of its repository, folder or file."""

    pipeline: str
    name: str
    index: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    scheduler: str = ""
    scheduling: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckpointRow(Generic[DefaultsT]):
    """A kind of checkpoints: those whose pipeline matches, and either ``shown`` holds or the name has this word.

    ``shown``: values that the index, the network's or the scheduler's configuration must have. ``counted``: the name
    may say the steps.
    """

    pipeline: str
    defaults: DefaultsT
    word: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)
    scheduler: str = ""
    counted: bool = False


def _few(steps: int, guidance: float, sampler: str = "", *, trailing: bool = False) -> PictureDefaults:
    return PictureDefaults(steps, guidance, True, sampler, _TRAILING if trailing else {})


_ROWS = (
    # Stable Diffusion 1, 2 and XL
    CheckpointRow(_SD, _few(8, 1.0, "LCM"), "lcm(?![a-z])", counted=True),
    CheckpointRow(_SD, _few(4, 0.0, "LCM"), "dmd2?", counted=True),
    CheckpointRow(_SD, _few(4, 0.0, "Euler", trailing=True), "lightning", counted=True),
    CheckpointRow(_SD, _few(8, 0.0, "Euler", trailing=True), r"hyper(?:sdxl|sd15|sd)?(?![a-z])", counted=True),
    CheckpointRow(_SD, _few(4, 0.0, trailing=True), "turbo", counted=True),
    CheckpointRow(_SD, _few(8, 1.0), scheduler="LCMScheduler"),
    CheckpointRow(_SD, _few(4, 0.0), scheduler="TCDScheduler"),
    CheckpointRow(
        _SD, PictureDefaults(50, 3.0), r"playground[-_]?v2[._-]?5", scheduler="EDMDPMSolverMultistepScheduler"
    ),
    # Stable Diffusion 3
    CheckpointRow("StableDiffusion3.*", _few(4, 0.0), "turbo", counted=True),
    CheckpointRow("StableDiffusion3.*", PictureDefaults(28, 3.5), r"3[._-]?5[-_]?large", {"num_layers": 38}),
    CheckpointRow("StableDiffusion3.*", PictureDefaults(40, 4.5), r"3[._-]?5[-_]?medium"),
    # FLUX
    CheckpointRow("Flux2Klein.*", _few(4, 1.0), shown={"is_distilled": True}),
    CheckpointRow("Flux(?:Img2Img|Inpaint)?Pipeline", _few(4, 0.0), "schnell", {"guidance_embeds": False}),
    CheckpointRow("Flux(?:Img2Img|Inpaint)?Pipeline", _few(8, 3.5), "turbo|hyper|lightning", counted=True),
    CheckpointRow("FluxKontext.*", PictureDefaults(28, 2.5), shown={"guidance_embeds": True}),
    CheckpointRow("FluxControl(?:Img2Img|Inpaint)?Pipeline", PictureDefaults(30, 10.0), "depth"),
    CheckpointRow("FluxControl(?:Img2Img|Inpaint)?Pipeline", PictureDefaults(50, 30.0), "canny"),
    # others with a transformer
    CheckpointRow("ZImage(?!Omni).*", _few(9, 0.0), "turbo"),
    CheckpointRow("Krea2.*", _few(8, 0.0), "turbo", {"is_distilled": True}),
    CheckpointRow("QwenImage.*", _few(8, 1.0), "lightning|turbo|lightx2v", counted=True),
    CheckpointRow("QwenImageEditPlus.*", PictureDefaults(40, 4.0)),
    CheckpointRow("HiDream.*", _few(28, 0.0), "dev"),
    CheckpointRow("HiDream.*", _few(16, 0.0), "fast"),
    CheckpointRow("HunyuanDiT.*", PictureDefaults(25, 5.0, True), "distilled"),
    CheckpointRow("HunyuanImagePipeline", PictureDefaults(8, None, True), "distilled", {"guidance_embeds": True}),
    CheckpointRow("PixArt.*", _few(4, 0.0), "lcm", scheduler="LCMScheduler"),
    CheckpointRow("SanaSprint.*", PictureDefaults(None, None, True)),
    CheckpointRow("LatentConsistencyModel.*", PictureDefaults(None, None, True)),
)
"""The first that fits counts. Distilled ones stand before the plain ones of their family."""


def defaults_of(checkpoint: Checkpoint) -> PictureDefaults:
    """The defaults of this checkpoint."""
    for row in _ROWS:
        if fits(row, checkpoint):
            found = row.defaults
            steps = steps_of(row, checkpoint) or found.steps
            return PictureDefaults(steps, found.guidance, found.distilled, found.sampler, found.scheduling)
    return PictureDefaults()


def fits(row: CheckpointRow[Any], checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is of this kind."""
    if not re.fullmatch(row.pipeline, checkpoint.pipeline):
        return False
    if not (row.word or row.shown or row.scheduler):
        return True
    name = checkpoint.name.lower()
    if row.word and re.search(rf"(?<![a-z])(?:{row.word})(?![a-z])|xl[-_]?(?:{row.word})", name):
        return True
    if row.scheduler and row.scheduler == checkpoint.scheduler:
        return True
    known = {**checkpoint.scheduling, **checkpoint.network, **checkpoint.index}
    return bool(row.shown) and all(known.get(key) == value for key, value in row.shown.items())


def steps_of(row: CheckpointRow[Any], checkpoint: Checkpoint) -> int | None:
    """The steps that the checkpoint's name says, where names of this kind may say them."""
    said = _STEPS.search(checkpoint.name.lower()) if row.counted else None
    return max(1, int(said[1])) if said else None
