"""The defaults of checkpoints that make videos, where they are not their pipeline's. A table, pure."""

from dataclasses import dataclass, replace

from models.launching.defaults.pictures import Checkpoint, fits, steps_of
from models.launching.defaults.pictures import CheckpointRow as _Row

_FEW_STEPS = r"lightning|lightx2v|causvid|fastwan|fasthunyuan|accvideo|turbo|(?:step[-_]?|cfg[-_]?)*distill(?:ed)?"


@dataclass(frozen=True, slots=True)
class FilmDefaults:
    """What is drawn with where nobody says; None: as the pipeline has it.

    ``low_guidance``: of the steps that a second network takes, where there is one. ``size`` is width and height.
    """

    steps: int | None = None
    guidance: float | None = None
    low_guidance: float | None = None
    size: tuple[int, int] | None = None
    frames: int | None = None
    fps: float | None = None
    distilled: bool = False


_HD = (1280, 720)
_FEW = FilmDefaults(4, 1.0, distilled=True)

_DISTILLED = (
    _Row("Wan.*|SkyReels.*", _FEW, _FEW_STEPS, counted=True),
    _Row("LTX.*", FilmDefaults(8, 1.0, distilled=True), _FEW_STEPS, counted=True),
    _Row("HunyuanVideo.*", FilmDefaults(6, distilled=True), f"fast|{_FEW_STEPS}", counted=True),
)
"""Made for so few steps. The first that fits counts, and goes before what the rows below say."""

_ROWS = (
    _Row("Wan.*", FilmDefaults(50, 5.0, size=(1280, 704), frames=121, fps=24), shown={"expand_timesteps": True}),
    _Row("WanPipeline", FilmDefaults(40, 4.0, 3.0, _HD), shown={"boundary_ratio": 0.875}),
    _Row("WanImageToVideoPipeline", FilmDefaults(40, 3.5, 3.5), shown={"boundary_ratio": 0.9}),
    _Row("Wan.*", FilmDefaults(guidance=5.5, size=_HD), "flf2v"),
    _Row("Wan.*", FilmDefaults(size=_HD), "720p"),
    _Row("SkyReels.*", FilmDefaults(size=_HD, frames=121), "720p"),
    _Row("CogVideoX.*", FilmDefaults(fps=16), r"cogvideox[-_]?1[._]5", {"patch_size_t": 2}),
    _Row("MochiPipeline", FilmDefaults(frames=85)),
)
"""The first that fits counts."""


def defaults_of(checkpoint: Checkpoint) -> FilmDefaults:
    """The defaults of this checkpoint."""
    found = next((row.defaults for row in _ROWS if fits(row, checkpoint)), FilmDefaults())
    for row in _DISTILLED:
        if fits(row, checkpoint):
            few = row.defaults
            guidance = found.guidance if few.guidance is None else few.guidance
            steps = steps_of(row, checkpoint) or few.steps
            return replace(found, steps=steps, guidance=guidance, low_guidance=few.guidance, distilled=True)
    return found
