"""Whether a disk has room for what is fetched onto it: asked before the first byte, and again while it comes."""

import shutil
from pathlib import Path

from models.errors import ModelFailed
from models.hubs.progress import in_words

SPARE_BYTES = 256 << 20
"""What is left free at least, or a fiftieth of a small disk: the database may be on the same."""


def free_bytes(folder: Path) -> int:
    """How much may be written into a folder, which need not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return max(0, usage.free - min(SPARE_BYTES, usage.total // 50))


def refuse_full(folder: Path, needed: int, what: str) -> None:
    """Raise ModelFailed, with the numbers, where fewer than ``needed`` bytes may be written."""
    if needed > (free := free_bytes(folder)):
        raise no_room(what, needed, free)


def no_room(what: str, needed: int, free: int) -> ModelFailed:
    """The error of a disk that has no room for the rest of a download."""
    return ModelFailed(
        f"the disk of the model cache is too full for '{what}': {in_words(needed)} are still to be fetched, and "
        f"{in_words(free)} may be used. Free some of it ('headrace cached', 'headrace remove-cache'), or move "
        "HEADRACE_HOME to a larger disk; a download goes on where it was"
    )
