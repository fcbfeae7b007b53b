"""The header of a GGUF file: what it says of its model, read without any library.

All that is read is bounded, in entries, items and bytes: a header that lies costs a fraction of a second, and little
memory. Arrays of arrays, which llama.cpp does not read either, are refused.
"""

import struct
from typing import IO, Any

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""GGUF's types of numbers, as ``struct`` names them."""
_SIZES = {kind: struct.calcsize(f"<{code}") for kind, code in _NUMBERS.items()}
_STRING, _ARRAY = 8, 9
MOST_ENTRIES = 10_000
"""Most entries of a header; the largest models have about a hundred."""
_MOST_BYTES = 1 << 20
"""Most bytes of one text."""
_MOST_ITEMS = 1 << 22
"""Most items of an array: about ten times the tokens of the largest vocabularies."""
MOST_TEXTS = 1 << 20
"""Most texts in all arrays together: the largest vocabularies have a quarter of a million tokens, and twice as many
merges."""
MOST_SKIPPED = 256 << 20
"""Most bytes that are left unread: behind them nothing of a header follows."""
MOST_KEPT = 4 << 20
"""Most bytes of names and texts that are kept."""
MOST_NUMBERS = 1 << 16
"""Most numbers of arrays that are kept."""
_MOST_KEPT_ITEMS = 4096
"""The longest arrays that are kept: a number for each layer. Longer ones are of vocabularies."""
MOST_BLOCKS = 512
"""Most layers of a network that llama.cpp loads."""
_TEMPLATE = "tokenizer.chat_template"


def header(file: IO[bytes], *, templates: bool = False) -> dict[str, Any]:
    """What a GGUF file says of its model, up to the tokenizer; with ``templates`` its chat templates, too.

    Arrays of numbers come as tuples, if they are not as long as vocabularies; other arrays are left out. Raises
    ValueError where the file is not as it should be.
    """
    reading = _Reading(file)
    _, _, _, count = struct.unpack("<4sIQQ", reading.take(24))
    if count > MOST_ENTRIES:
        raise ValueError(f"the header of a GGUF file is said to have {count} entries")
    facts: dict[str, Any] = {}
    for _ in range(count):
        name = reading.text()
        kind = reading.number("I")
        if name.startswith("tokenizer.") and not templates:  # long, and after all else that is of interest
            break
        wanted = name.startswith(_TEMPLATE) or not name.startswith("tokenizer.")
        value = reading.value(kind, wanted=wanted)
        if value is not None:
            facts[name] = value
    blocks = facts.get(f"{facts.get('general.architecture')}.block_count", 1)
    if blocks not in range(1, MOST_BLOCKS + 1):
        raise ValueError(f"the header of a GGUF file is said to have {blocks} layers, not 1 to {MOST_BLOCKS}")
    return facts


class _Reading:
    """Reads a header from its beginning on, and counts what it has read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._kept = self._texts = self._kept_numbers = self._skipped = 0

    def take(self, size: int) -> bytes:
        """So many bytes. Raises ValueError at the end of the file."""
        data = self._file.read(size)
        if len(data) != size:
            raise _broken_off()
        return data

    def number(self, code: str) -> int:
        """A whole number, as ``struct`` names it."""
        [found] = struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))
        return int(found)

    def text(self) -> str:
        """A text that is kept: its length, and its bytes."""
        size = self.number("Q")
        self._kept += min(size, MOST_KEPT) + 1
        if size > _MOST_BYTES or self._kept > MOST_KEPT:
            raise ValueError("the header of a GGUF file has texts of more than a megabyte")
        return self.take(size).decode(errors="replace")

    def value(self, kind: int, *, wanted: bool) -> Any:
        """The value of an entry; None for what is left out, as all is that is not ``wanted``."""
        if kind == _STRING:
            return self.text() if wanted else self._skip_texts(1)
        if kind != _ARRAY:
            [found] = struct.unpack(f"<{_code(kind)}", self.take(_SIZES[kind]))
            return found
        kind, count = self.number("I"), self.number("Q")
        if count > _MOST_ITEMS:
            raise ValueError(f"the header of a GGUF file has an array of {count} items")
        if kind == _STRING:
            return self._skip_texts(count)
        if kind == _ARRAY:
            raise ValueError("the header of a GGUF file has an array of arrays")
        code, size = _code(kind), _SIZES[kind] * count
        if not wanted or count > _MOST_KEPT_ITEMS:
            return self._skip(size)
        self._kept_numbers += count
        if self._kept_numbers > MOST_NUMBERS:
            raise ValueError(f"the header of a GGUF file has arrays of more than {MOST_NUMBERS} numbers")
        return struct.unpack(f"<{count}{code}", self.take(size))

    def _skip(self, size: int) -> None:
        """Go on behind so many bytes; where the file ends before, what is read next says so."""
        self._skipped += size
        if self._skipped > MOST_SKIPPED:
            raise _broken_off()
        self._file.seek(size, 1)

    def _skip_texts(self, count: int) -> None:
        self._texts += count
        if self._texts > MOST_TEXTS:
            raise ValueError(f"the header of a GGUF file has more than {MOST_TEXTS} texts")
        read, seek, skipped = self._file.read, self._file.seek, self._skipped  # the loop is what a look costs
        for _ in range(count):
            data = read(8)
            size = int.from_bytes(data, "little")
            skipped += size
            if len(data) != 8 or skipped > MOST_SKIPPED:
                raise _broken_off()
            seek(size, 1)
        self._skipped = skipped


def _broken_off() -> ValueError:
    return ValueError(f"the header of a GGUF file breaks off: it is longer than its file, or than {MOST_SKIPPED} bytes")


def _code(kind: int) -> str:
    if kind not in _NUMBERS:
        raise ValueError(f"the header of a GGUF file has an entry of the unknown type {kind}")
    return _NUMBERS[kind]
