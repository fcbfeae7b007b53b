"""The same weights in several precisions, as folders of diffusers pipelines have them: which of them are taken.

``unet/model.fp16.safetensors`` is ``unet/model.safetensors`` once more, in half the bytes. Large weights are split:
``unet/model.fp16-00001-of-00002.safetensors``.
"""

import re
from collections.abc import Collection

HALF = "fp16"
VARIANTS = (f"*.{HALF}*.safetensors", "*.bf16*.safetensors", "*.non_ema*.safetensors")
"""Patterns of the files that have the same weights once more, as repositories of diffusers pipelines have them."""

_WEIGHTS = re.compile(r"(.+/[^/.]+?)(?:\.(\w+))?(?:-\d{5}-of-\d{5})?\.safetensors")


def _versions(files: Collection[str]) -> dict[str, dict[str, list[str]]]:
    """The files of each part's weights, by their variant; the plain ones under ""."""
    versions: dict[str, dict[str, list[str]]] = {}
    for name in files:
        if found := _WEIGHTS.fullmatch(name):
            versions.setdefault(found[1], {}).setdefault(found[2] or "", []).append(name)
    return versions


def superfluous(files: Collection[str], *, half: bool) -> list[str]:
    """The weights that need not be fetched: of each part all but one version, as ``variant`` will choose it."""
    found = []
    for version in _versions(files).values():
        taken = HALF if HALF in version and (half or "" not in version) else "" if "" in version else min(version)
        found += [name for one, names in version.items() if one != taken for name in names]
    return found


def variant(files: Collection[str], *, half: bool) -> str | None:
    """The variant to load; None: the plain weights. ``half``: half precision is preferred.

    A part that lacks it is loaded from its plain weights. Without a preference it is loaded where a part has no plain
    weights; and another variant where no part has any.
    """
    versions = _versions(files).values()
    halves = [version for version in versions if HALF in version]
    if halves and (half or any("" not in version for version in halves)):
        return HALF
    if any("" in version for version in versions):
        return None
    return min((name for version in versions for name in version), default=None)
