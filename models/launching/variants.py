"""The same weights in several precisions, as folders of diffusers pipelines have them: which of them are taken.

``unet/model.fp16.safetensors`` is ``unet/model.safetensors`` once more, in half the bytes. Large weights are split:
``unet/model.fp16-00001-of-00002.safetensors``.
"""

import re
from collections.abc import Collection

HALF = "fp16"
HALVES = f"*.{HALF}*.safetensors"
"""The pattern of files in half precision."""

_WEIGHTS = re.compile(r"(.+/[^/.]+?)(?:\.(\w+))?(?:-\d{5}-of-\d{5})?\.safetensors")


def _versions(files: Collection[str]) -> dict[str, dict[str, list[str]]]:
    """The files of each part's weights, by their variant; the plain ones under ""."""
    versions: dict[str, dict[str, list[str]]] = {}
    for name in files:
        if found := _WEIGHTS.fullmatch(name):
            versions.setdefault(found[1], {}).setdefault(found[2] or "", []).append(name)
    return versions


def doubled(files: Collection[str]) -> list[str]:
    """The plain weights that are also there in half precision."""
    return [name for version in _versions(files).values() if HALF in version for name in version.get("", ())]


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
