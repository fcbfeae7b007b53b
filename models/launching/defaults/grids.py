"""Which sizes and numbers of frames a pipeline of videos makes, as far as its files say it before it is loaded. Pure.

What a loaded one says counts for more: ``workers.engines.diffusers.video.families`` asks the pipeline itself.
"""

import math
from collections.abc import Mapping
from typing import Any

from models.launching.peek import Peek
from models.modalities.videos.limits import VideoGrid

_FAMILIES = {
    "Wan": (16, 1),
    "SkyReels": (16, 1),
    "LTX": (32, 1),
    "CogVideoX": (16, 2),
    "Hunyuan": (16, 1),
    "Mochi": (8, 1),
}
"""How the names of their classes begin: what sizes are multiples of, and the latent frames decoded together."""
_MOST = 1024


def known_grid(pipeline: str, seen: Peek) -> VideoGrid | None:
    """What a pipeline of this class makes; None where its files do not say."""
    family = next((one for one in _FAMILIES if pipeline.startswith(one)), None)
    network, coder = (seen.documents.get(f"{name}/config.json") for name in ("transformer", "vae"))
    if family is None or network is None or coder is None:
        return None
    spatial, temporal = _scales(family, coder)
    patch = network.get("patch_size") or 1
    side = _count(patch[-1] if isinstance(patch, list) else patch)
    if spatial is None or temporal is None or side is None:
        return None
    multiple, together = _FAMILIES[family]
    only = _only_shape(network, spatial)
    return VideoGrid(math.lcm(multiple, spatial * side, 2), 1, temporal * together, only)


def _scales(family: str, coder: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """How many pixels of a side, and how many frames, are one for the network; None where it is not said."""
    if family == "Mochi":
        return 8, 6  # of its code
    if family == "Wan":
        return _count(coder.get("scale_factor_spatial")), _count(coder.get("scale_factor_temporal"))
    if family == "SkyReels":
        halved = _switches(coder.get("temperal_downsample"))
        return (None, None) if halved is None else (2 ** len(halved), 2 ** sum(halved))
    spatial, temporal = (_count(coder.get(f"{name}_compression_ratio")) for name in ("spatial", "temporal"))
    if family == "CogVideoX":
        levels = coder.get("block_out_channels")
        spatial = 2 ** (len(levels) - 1) if isinstance(levels, list) and 0 < len(levels) < 10 else None
    if family == "LTX" and (halved := _switches(coder.get("spatio_temporal_scaling"))) is not None:
        wide, long = _count(coder.get("patch_size")), _count(coder.get("patch_size_t"))
        spatial = spatial or (wide and wide * 2 ** sum(halved))
        temporal = temporal or (long and long * 2 ** sum(halved))
    return spatial, temporal


def _only_shape(network: Mapping[str, Any], spatial: int) -> tuple[int, int, int] | None:
    width, height, frames = (_count(network.get(f"sample_{name}")) for name in ("width", "height", "frames"))
    learned = network.get("use_learned_positional_embeddings") is True
    return (width * spatial, height * spatial, frames) if learned and width and height and frames else None


def _switches(value: Any) -> list[bool] | None:
    """A list of switches, a few at most; None for what is none."""
    found = isinstance(value, list) and 0 < len(value) < 10 and all(isinstance(one, bool) for one in value)
    return value if found else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST else None
