"""How many layers a model of CTranslate2 has, which tells what it was made for."""

import re
import struct
from pathlib import Path
from typing import BinaryIO

_LAYER = re.compile(r"(encoder|decoder)/layer_(\d+)/")
_OLDEST = 4
"""The version of the format since which a variable states its size in bytes."""


def is_distilled(folder: Path) -> bool:
    """Whether the decoder has fewer layers than the encoder, as Whisper turbo and Distil-Whisper have.

    Such models were trained to write down what is said, in its own language. False where the file does not tell.
    """
    found = layers(folder / "model.bin")
    return found["decoder"] < found["encoder"]


def layers(path: Path) -> dict[str, int]:
    """The number of layers of ``encoder`` and ``decoder``; 0 for what a ``model.bin`` does not tell."""
    counted = {"encoder": 0, "decoder": 0}
    try:
        with path.open("rb") as file:
            for name in _variables(file):
                if found := _LAYER.match(name):
                    counted[found[1]] = max(counted[found[1]], int(found[2]) + 1)
    except (struct.error, OSError):  # it breaks off
        return {"encoder": 0, "decoder": 0}
    return counted


def _variables(file: BinaryIO) -> list[str]:
    """The names of the variables. A name is its length and its letters; numbers are little-endian."""
    (version,) = _numbers(file, "<I")
    if version < _OLDEST:
        return []
    _text(file)
    _, many = _numbers(file, "<II")
    names = []
    for _ in range(many):
        names.append(_text(file))
        (rank,) = _numbers(file, "<B")
        file.seek(4 * rank, 1)
        _, size = _numbers(file, "<BI")
        file.seek(size, 1)
    return names


def _text(file: BinaryIO) -> str:
    (length,) = _numbers(file, "<H")
    return file.read(length).rstrip(b"\0").decode(errors="replace")


def _numbers(file: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))
