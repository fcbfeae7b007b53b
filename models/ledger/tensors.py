"""What the header of a file of weights says of its tensors: safetensors, GGUF and CTranslate2, read without a library.

Sizes are in bytes. Every reader is bounded, and raises ValueError where a header contradicts itself or its file.
"""

import math
import struct
from typing import IO, Any, NamedTuple

import msgspec

from models.launching import gguf

MOST_HEADER = 25 << 20
"""Longest header of a safetensors file that is read; the largest models have some megabytes."""
MOST_TENSORS = 200_000
_MOST_NAME = 1 << 10
_MOST_NUMBERS = 1 << 50
_MOST_ENTRY = 4096
"""Longest entry of a tensor in a safetensors header."""
_OTHERS = {
    b"PK\x03\x04": "an archive of pickles (torch.save)",
    **{b"\x80%c" % version: "a pickle" for version in range(2, 6)},
    b"GGUF": "a GGUF file",
    b"version ": "a pointer of Git LFS, whose file was not fetched",
}
"""What is called ``.safetensors`` at times, by its first bytes."""


class Tensor(NamedTuple):
    """One tensor of a file: ``dtype`` as the file names it, how many numbers it has, and how many bytes they take."""

    name: str
    dtype: str
    numbers: int
    size: int


class _Entry(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


_BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("BOOL", "I8", "U8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
"""The numbers of safetensors, and their bits."""

_GGML = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 40),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36),
    41: ("Q1_0", 128, 18),
}
"""GGML's types by their numbers: the name, the numbers of a block, and its bytes."""

_CT2 = {0: ("F32", 4), 1: ("I8", 1), 2: ("I16", 2), 3: ("I32", 4), 4: ("F16", 2), 5: ("BF16", 2)}


class UnknownNumbers(ValueError):
    """A tensor is of a type that is not known here, though a library may know it."""


def of_safetensors(file: IO[bytes], size: int) -> list[Tensor]:
    """The tensors of a safetensors file of ``size`` bytes: its header is its length in 8 bytes, and JSON.

    They lie one behind the other and fill the file, as the library demands it, too.
    """
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= size - 8:
        other = next((f"; it begins as {what} does" for begin, what in _OTHERS.items() if start.startswith(begin)), "")
        raise ValueError(f"its header is said to have {length} bytes, and the file has {size}{other}")
    if length > MOST_HEADER:
        raise ValueError(f"its header has {length} bytes: {MOST_HEADER} are read at most")
    data = file.read(length)
    try:
        entries = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        if len(entries) > MOST_TENSORS:
            raise ValueError(f"it has {len(entries)} tensors")
        if any(memoryview(raw).nbytes > _MOST_ENTRY for name, raw in entries.items() if name != "__metadata__"):
            raise ValueError(f"a tensor has an entry of more than {_MOST_ENTRY} bytes")
        found = {name: msgspec.json.decode(raw, type=_Entry) for name, raw in entries.items() if name != "__metadata__"}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"its header cannot be read: {error}") from error
    checked = [_checked(name, one) for name, one in found.items()]
    end = 0
    for name, one in sorted(found.items(), key=lambda named: named[1].data_offsets):
        begin, next_end = one.data_offsets
        if begin != end:
            raise ValueError(f"the tensor '{name[:80]}' begins at {begin}, and the one before it ends at {end}")
        end = next_end
    if end != size - 8 - length:
        raise ValueError(f"its tensors end at {end} of {size - 8 - length} bytes")
    return checked


def _checked(name: str, entry: _Entry) -> Tensor:
    """The tensor of an entry. Raises ValueError where its bytes are not those of its shape."""
    bits = _BITS.get(entry.dtype)
    begin, end = entry.data_offsets
    if bits is None:
        raise UnknownNumbers(f"the tensor '{name[:80]}' has numbers of the unknown type '{entry.dtype[:20]}'")
    if any(axis < 0 for axis in entry.shape) or len(entry.shape) > 16:
        raise ValueError(f"the tensor '{name[:80]}' has the shape {entry.shape[:17]}")
    numbers = math.prod(entry.shape)
    if begin > end or (end - begin) * 8 != numbers * bits:
        raise ValueError(f"the tensor '{name[:80]}' has {end - begin} bytes, which are not those of its shape")
    return Tensor(name, entry.dtype, numbers, end - begin)


def of_gguf(file: IO[bytes], size: int) -> tuple[list[Tensor], dict[str, Any]]:
    """The tensors of a GGUF file of ``size`` bytes, or of one of its parts, and what it says of its model."""
    try:
        magic, _, count, _ = struct.unpack("<4sIQQ", file.read(24))
        if magic != b"GGUF":
            raise ValueError("it is not a GGUF file")
        if count > MOST_TENSORS:
            raise ValueError(f"it is said to have {count} tensors")
        file.seek(0)
        facts = gguf.header(file, templates=True)  # with templates it is read to its end, where the tensors begin
        found = [_of_gguf(file) for _ in range(count)]
    except (struct.error, RecursionError) as error:
        raise ValueError(f"its header breaks off: {error}") from error
    if sum(one.size for one in found) > size:
        raise ValueError(f"its tensors are said to have {sum(one.size for one in found)} bytes, and the file {size}")
    return found, facts


def _of_gguf(file: IO[bytes]) -> Tensor:
    """The next tensor: a name, axes, a type and an offset."""
    [length] = struct.unpack("<Q", file.read(8))
    if length > _MOST_NAME:
        raise ValueError("a tensor has a name of more than a kilobyte")
    name = file.read(length).decode(errors="replace")
    [axes] = struct.unpack("<I", file.read(4))
    if axes > 8:
        raise ValueError(f"the tensor '{name[:80]}' has {axes} axes")
    *shape, kind, _ = struct.unpack(f"<{axes}QIQ", file.read(8 * axes + 12))
    if kind not in _GGML:
        raise UnknownNumbers(f"the tensor '{name[:80]}' has numbers of the unknown type {kind}")
    dtype, block, width = _GGML[kind]
    numbers = math.prod(shape)
    if numbers > _MOST_NUMBERS or numbers % block:
        raise ValueError(f"the tensor '{name[:80]}' has {numbers} numbers")
    return Tensor(name, dtype, numbers, numbers // block * width)


def of_ct2(file: IO[bytes], size: int) -> list[Tensor]:
    """The tensors of a ``model.bin`` of CTranslate2: a version, a name, a revision, then each tensor with its data."""
    try:
        version, _ = struct.unpack("<I", file.read(4))[0], _text(file)
        _, count = struct.unpack("<II", file.read(8))
        if version < 4 or count > MOST_TENSORS:
            raise ValueError(f"it has version {version} and {count} tensors")
        return [_of_ct2(file, size) for _ in range(count)]
    except struct.error as error:
        raise ValueError(f"its header breaks off: {error}") from error


def _of_ct2(file: IO[bytes], size: int) -> Tensor:
    name = _text(file)
    [axes] = struct.unpack("<B", file.read(1))
    *shape, kind, length = struct.unpack(f"<{axes}IBI", file.read(4 * axes + 5))
    numbers = math.prod(shape)
    if kind not in _CT2 or length != numbers * _CT2[kind][1] or file.tell() + length > size:
        raise ValueError(f"the tensor '{name[:80]}' has {length} bytes, which are not those of its shape")
    file.seek(length, 1)
    return Tensor(name, _CT2[kind][0], numbers, length)


def _text(file: IO[bytes]) -> str:
    """A text of CTranslate2's: its length, with the zero at its end, and its bytes."""
    [length] = struct.unpack("<H", file.read(2))
    return file.read(length).rstrip(b"\0").decode("latin-1")
