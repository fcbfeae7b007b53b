"""``models.launching.gguf``: what is read of a header is bounded, whatever the header says."""

import io
import resource
import struct
from collections.abc import Callable
from typing import IO

import pytest

from models.launching import gguf

STRING, ARRAY, UINT8, UINT32 = 8, 9, 0, 4


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def array(kind: int, count: int, items: bytes = b"") -> bytes:
    return struct.pack("<IQ", kind, count) + items


def written(*entries: tuple[bytes, int, bytes], count: int | None = None) -> bytes:
    head = struct.pack("<4sIQQ", b"GGUF", 3, 0, len(entries) if count is None else count)
    return head + b"".join(text(name) + struct.pack("<I", kind) + value for name, kind, value in entries)


class Zeros(io.RawIOBase):
    """A sparse file: some bytes, and zeros to its end."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size, self._at = data, size, 0
        self.reads = 0

    def read(self, size: int = -1) -> bytes:
        self.reads += 1
        found = self._data[self._at : self._at + size]
        found += bytes(min(size, max(0, self._size - self._at)) - len(found))
        self._at += size
        return found

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (self._at if whence == io.SEEK_CUR else 0)
        return self._at


def sparse(data: bytes, size: int = 1 << 40) -> Zeros:
    return Zeros(data, size)


def test_a_header_says_what_it_says() -> None:
    entries = [
        (b"general.architecture", STRING, text(b"llama")),
        (b"llama.heads", ARRAY, array(UINT32, 2, struct.pack("<II", 3, 0))),
        (b"general.tags", ARRAY, array(STRING, 2, text(b"a") + text(b"bc"))),
        (b"general.long", ARRAY, array(UINT8, 5000, bytes(5000))),
        (b"tokenizer.ggml.tokens", ARRAY, array(STRING, 1, text(b"a"))),
        (b"tokenizer.ggml.model", STRING, text(b"bpe")),
        (b"tokenizer.chat_template", STRING, text(b"{{ messages }}")),
    ]
    facts = {"general.architecture": "llama", "llama.heads": (3, 0)}

    assert gguf.header(io.BytesIO(written(*entries))) == facts
    whole = gguf.header(io.BytesIO(written(*entries)), templates=True)
    assert whole == facts | {"tokenizer.chat_template": "{{ messages }}"}


def nested(depth: int) -> bytes:
    return written((b"a", ARRAY, array(ARRAY, 1) * depth))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: sparse(written(count=1 << 63)), "said to have 9223372036854775808 entries"),
        (lambda: sparse(written(count=10_001)), "10001 entries"),
        (lambda: io.BytesIO(nested(200_000)), "an array of arrays"),
        (lambda: sparse(written((b"a", ARRAY, array(STRING, 1 << 60)))), "an array of 1152921504606846976 items"),
        (
            lambda: sparse(written(*[(b"a", ARRAY, array(STRING, 0))] * 9, (b"a", ARRAY, array(STRING, 1 << 21)))),
            "texts",
        ),
        (lambda: sparse(written((b"a", STRING, struct.pack("<Q", 1 << 40)))), "texts of more than a megabyte"),
        (
            lambda: io.BytesIO(written(*[(b"general.a", STRING, text(bytes(1 << 20)))] * 5)),
            "texts of more than a megabyte",
        ),
        (
            lambda: sparse(written(*[(b"a", ARRAY, array(UINT8, 4096, bytes(4096)))] * 17)),
            "arrays of more than 65536 numbers",
        ),
        (lambda: sparse(written((b"a", ARRAY, array(12, 1 << 22))), 1 << 20), None),
        (lambda: sparse(written(*[(b"a", ARRAY, array(STRING, 1, b"\xff" * 8))], count=2)), "breaks off"),
        (lambda: sparse(written(*[(b"a", ARRAY, array(STRING, 1 << 19, text(b"x")))], count=2), 100), "breaks off"),
        (lambda: io.BytesIO(written((b"a", ARRAY, array(UINT32, 4, bytes(15))))), "breaks off"),
        (lambda: io.BytesIO(written((b"a", UINT32, bytes(3)))), "breaks off"),
        (lambda: io.BytesIO(written((b"a", 99, bytes(8)))), "unknown type 99"),
        (lambda: io.BytesIO(written((b"a", ARRAY, array(99, 1, bytes(8))))), "unknown type 99"),
    ],
)
def test_a_header_that_lies_costs_little(make: Callable[[], IO[bytes]], why: str | None) -> None:
    before, file = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, make()
    if why is None:
        assert gguf.header(file) == {}
    else:
        with pytest.raises(ValueError, match=why):
            gguf.header(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB
    if isinstance(file, Zeros):
        assert file.reads < 200


@pytest.mark.parametrize(("blocks", "taken"), [(0, False), (1, True), (512, True), (513, False), (2**32 - 1, False)])
def test_a_network_has_as_many_layers_as_can_be_loaded(blocks: int, taken: bool) -> None:
    """Others end llama.cpp, which takes their number as it comes."""
    network = (b"general.architecture", STRING, text(b"llama"))
    file = io.BytesIO(written(network, (b"llama.block_count", UINT32, struct.pack("<I", blocks))))
    if taken:
        assert gguf.header(file)["llama.block_count"] == blocks
    else:
        with pytest.raises(ValueError, match=f"{blocks} layers, not 1 to 512"):
            gguf.header(file)


def test_the_texts_of_all_arrays_are_counted_together() -> None:
    half = (b"a", ARRAY, array(STRING, gguf.MOST_TEXTS // 2 + 1))
    data = written(half) + bytes(8 * (gguf.MOST_TEXTS // 2 + 1)) + written(half)[24:]
    file = Zeros(data[:16] + struct.pack("<Q", 2) + data[24:], 1 << 40)

    with pytest.raises(ValueError, match="more than 1048576 texts"):
        gguf.header(file)  # type: ignore[arg-type]
    assert file.reads < gguf.MOST_TEXTS // 2 + 100
