"""The pipelines of diffusers that make videos and are served, and what their classes do not show. A table."""

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import diffusers
from diffusers.utils import is_ftfy_available

from models.errors import InvalidRequest
from models.modalities.videos.limits import VideoMode
from workers.engines.diffusers.index import made_by


@dataclass(frozen=True, slots=True)
class Family:
    """How pipelines of a family are called.

    ``fps``: the speed that it was trained for. ``multiple``: what width and height must be multiples of, beside what
    its network needs. ``together``: how many latent frames its autoencoder decodes together, whose number decides which
    lengths there are. ``modes``: for each mode the class of the pipeline; of several classes with the same weights, the
    loaded one is used for its own modes. ``last``: the argument that takes the last frame.
    """

    fps: float
    multiple: int
    modes: Mapping[VideoMode, str]
    together: int = 1
    last: str = "last_image"


_WAN = Family(16, 16, {"text": "WanPipeline", "image": "WanImageToVideoPipeline", "frames": "WanImageToVideoPipeline"})
_SKYREELS = Family(
    24,
    16,
    {
        "text": "SkyReelsV2Pipeline",
        "image": "SkyReelsV2ImageToVideoPipeline",
        "frames": "SkyReelsV2ImageToVideoPipeline",
    },
)
_LTX = Family(25, 32, {"text": "LTXPipeline", "image": "LTXImageToVideoPipeline"})
_LTX_CONDITION = Family(25, 32, dict.fromkeys(("text", "image", "frames"), "LTXConditionPipeline"), last="")
_COGVIDEOX = Family(8, 16, {"text": "CogVideoXPipeline", "image": "CogVideoXImageToVideoPipeline"}, together=2)
_HUNYUAN = Family(24, 16, {"text": "HunyuanVideoPipeline"})
_MOCHI = Family(30, 8, {"text": "MochiPipeline"})

FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("WanPipeline", "WanImageToVideoPipeline"), _WAN),
    **dict.fromkeys(("SkyReelsV2Pipeline", "SkyReelsV2ImageToVideoPipeline"), _SKYREELS),
    **dict.fromkeys(("LTXPipeline", "LTXImageToVideoPipeline"), _LTX),
    "LTXConditionPipeline": _LTX_CONDITION,
    **dict.fromkeys(("CogVideoXPipeline", "CogVideoXImageToVideoPipeline"), _COGVIDEOX),
    "HunyuanVideoPipeline": _HUNYUAN,
    "MochiPipeline": _MOCHI,
}
"""By the class that ``model_index.json`` names."""

_CLEAN_TEXTS = ("WanImageToVideoPipeline", "SkyReelsV2Pipeline", "SkyReelsV2ImageToVideoPipeline")
"""Pipelines that call the package ftfy whether it is there or not."""
_NOT_SERVED = {
    "LTX2": "its videos have sound, which is not served yet",
    "Kandinsky6": "its videos have sound, which is not served yet",
    "AnimateDiff": "it animates a model of pictures by a motion adapter, which is not served",
    "WanAnimate": "it needs videos of a pose and of a face, which no request gives",
    "WanVACE": "it changes a video, and videos are made from a text or from pictures alone",
}
_MADE = "videos are served of Wan, SkyReels V2, LTX-Video, CogVideoX, HunyuanVideo and Mochi"


def refuse_other(name: str) -> None:
    """Raise InvalidRequest for a pipeline whose videos are not served. It is not loaded."""
    if name in FAMILIES:
        _refuse_lacking(name)
        return
    cls = _known(name)
    if cls is not None and {"image", "images"} & made_by(cls):
        raise InvalidRequest(f"a {name} draws pictures: launch it with model_type 'image'", param="model_type")
    raise InvalidRequest(f"a {name[:60]} is not served: {why_not(name)}", param="model_path")


def _known(name: str) -> Any:
    """The pipeline's class; None where diffusers has none, or only says which library it lacks."""
    cls = getattr(diffusers, name, None)
    known = inspect.isclass(cls) and not cls.__module__.startswith("diffusers.utils.dummy")
    return cls if known else None


def _refuse_lacking(name: str) -> None:
    """Raise InvalidRequest where a package is missing without which this pipeline fails on every prompt."""
    if name in _CLEAN_TEXTS and not is_ftfy_available():
        raise InvalidRequest(
            f"a {name} needs the Python package ftfy, which is not installed: install headrace[diffusers] anew",
            param="model_path",
        )


def why_not(name: str) -> str:
    """Why a pipeline that makes videos is not served, in a clause."""
    known = next((why for beginning, why in _NOT_SERVED.items() if name.startswith(beginning)), "")
    cls = _known(name)
    given = None if cls is None else inspect.signature(cls.__call__).parameters.get("video")
    if not known and given is not None and given.default is inspect.Parameter.empty:
        known = "it changes a video, and videos are made from a text or from pictures alone"
    return known or _MADE


def modes_of(base: Any) -> dict[VideoMode, str]:
    """The modes that these weights can make videos in, each with the class of its pipeline."""
    name = type(base).__name__
    modes = FAMILIES[name].modes
    network = network_of(base).config
    if name.startswith("LTX"):
        return dict(modes)  # one network for all
    own: dict[VideoMode, str] = {mode: cls for mode, cls in modes.items() if cls == name}
    if base.config.get("expand_timesteps"):  # Wan 2.2's small one begins with a picture, or with none
        _refuse_lacking(modes["image"])
        return {mode: cls for mode, cls in modes.items() if mode != "frames"}
    if "frames" in own and network.get("pos_embed_seq_len") is not None:
        return {"frames": own["frames"]}  # its network sees two pictures
    if "frames" in own and network.get("image_dim") is not None:
        return {"image": own["image"]}  # its network sees one
    return own


def network_of(base: Any) -> Any:
    """The network that draws."""
    return getattr(base, "transformer", None) or base.transformer_2


def lengths_of(base: Any) -> tuple[int, int]:
    """The numbers of frames that there are: the first of them, and how many more the next has."""
    names = ("vae_scale_factor_temporal", "vae_temporal_compression_ratio", "vae_temporal_scale_factor")
    temporal = next(int(getattr(base, name)) for name in names if hasattr(base, name))
    return 1, temporal * FAMILIES[type(base).__name__].together


def multiple_of(base: Any) -> int:
    """What widths and heights must be multiples of."""
    patch = network_of(base).config.get("patch_size") or 1
    side = patch if isinstance(patch, int) else patch[-1]
    return math.lcm(FAMILIES[type(base).__name__].multiple, _spatial(base) * side, 2)


def _spatial(base: Any) -> int:
    names = ("vae_scale_factor_spatial", "vae_spatial_compression_ratio", "vae_spatial_scale_factor")
    return next(int(getattr(base, name)) for name in names if hasattr(base, name))


def only_shape(base: Any) -> tuple[int, int, int] | None:
    """Width, height and most frames of a network that has learned its positions, and so knows no others; else None."""
    config = network_of(base).config
    if not config.get("use_learned_positional_embeddings"):
        return None
    scale = _spatial(base)
    return config["sample_width"] * scale, config["sample_height"] * scale, config["sample_frames"]


def usual_shape(base: Any) -> tuple[int | None, int | None, int | None]:
    """Width, height and frames that a network was made for, where its configuration says so; else None each."""
    config, scale = network_of(base).config, _spatial(base)
    sides = [config.get(name) for name in ("sample_width", "sample_height")]
    width, height = (side * scale if isinstance(side, int) else None for side in sides)
    return width, height, config.get("sample_frames")
