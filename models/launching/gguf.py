"""The header of a GGUF file: what it says of its model, read without any library."""

import struct
from typing import IO, Any

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""GGUF's types of numbers, as ``struct`` names them."""
_STRING, _ARRAY = 8, 9
_MOST_BYTES = 1 << 20
_MOST_ITEMS = 1 << 22
"""Most items of an array: about ten times the tokens of the largest vocabularies."""
_TEMPLATE = "tokenizer.chat_template"


def header(file: IO[bytes], *, templates: bool = False) -> dict[str, Any]:
    """What a GGUF file says of its model, up to the tokenizer; with ``templates`` its chat templates, too.

    Arrays come as tuples of numbers; those of other things are left out. Raises ValueError where the file is not as it
    should be.
    """
    try:
        _, _, _, count = struct.unpack("<4sIQQ", file.read(24))
        facts: dict[str, Any] = {}
        for _ in range(count):
            name = _string(file)
            [kind] = struct.unpack("<I", file.read(4))
            if name.startswith("tokenizer.") and not templates:  # long, and after all else that is of interest
                break
            if name.startswith("tokenizer.") and not name.startswith(_TEMPLATE):
                _skip(file, kind)
            else:
                facts[name] = _value(file, kind)
        return facts
    except struct.error as error:
        raise ValueError(f"the header of a GGUF file breaks off: {error}") from error


def _string(file: IO[bytes]) -> str:
    return _read(file, *struct.unpack("<Q", file.read(8))).decode(errors="replace")


def _read(file: IO[bytes], size: int) -> bytes:
    if size > _MOST_BYTES:
        raise ValueError("the header of a GGUF file has an entry of more than a megabyte")
    return file.read(size)


def _value(file: IO[bytes], kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        [number] = _numbers(file, kind, 1)
        return number
    kind, count = struct.unpack("<IQ", file.read(12))
    if kind in _NUMBERS:
        return _numbers(file, kind, count)
    for _ in range(count):
        _value(file, kind)
    return ()


def _numbers(file: IO[bytes], kind: int, count: int) -> tuple[Any, ...]:
    return struct.unpack(f"<{count}{_code(kind)}", _read(file, count * _size(kind)))


def _skip(file: IO[bytes], kind: int) -> None:
    """Go on behind a value: the texts of a vocabulary are of no interest here."""
    count = 1
    if kind == _ARRAY:
        kind, count = struct.unpack("<IQ", file.read(12))
    if count > _MOST_ITEMS:
        raise ValueError(f"the header of a GGUF file has an array of {count} items")
    if kind != _STRING:
        file.seek(count * _size(kind), 1)
        return
    for _ in range(count):
        [size] = struct.unpack("<Q", file.read(8))
        file.seek(min(size, _MOST_BYTES), 1)


def _code(kind: int) -> str:
    if kind not in _NUMBERS:
        raise ValueError(f"the header of a GGUF file has an entry of the unknown type {kind}")
    return _NUMBERS[kind]


def _size(kind: int) -> int:
    return struct.calcsize(_code(kind))
