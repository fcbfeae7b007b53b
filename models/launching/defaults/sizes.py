"""The side of the pictures that a U-Net draws where nobody says, as the files of its pipeline tell it. Pure."""

from collections.abc import Mapping
from typing import Any

_MOST = 1024
"""Of latents on a side: what is larger is no size."""


def side_of(documents: Mapping[str, Mapping[str, Any]]) -> int | None:
    """Pixels on a side: the latents of ``unet/config.json``, each of which ``vae/config.json`` makes several of.

    None where there is no U-Net, or it does not say. ``documents``: the JSON objects of a folder, by their names.
    """
    sample = documents.get("unet/config.json", {}).get("sample_size")
    sides = sample if isinstance(sample, list) else [sample]
    if not sides or not all(type(one) is int and 0 < one <= _MOST for one in sides):
        return None
    if str(documents.get("model_index.json", {}).get("_class_name")).startswith("IF"):
        return int(max(sides))  # DeepFloyd IF draws in pixels
    blocks = documents.get("vae/config.json", {}).get("block_out_channels")
    halvings = len(blocks) - 1 if isinstance(blocks, list) and 0 < len(blocks) <= 8 else 3
    return int(max(sides)) << halvings
