"""Entries from outside that nothing could launch, or read (``models.catalogue.checking``)."""

from typing import Any

import msgspec
import pytest

from models.catalogue.checking import fault
from models.catalogue.entries import Family


def of(spec: dict[str, Any], **more: Any) -> str:
    specs = [{"format": "ggufv2", "hf": {"repo": "a/b", "file": "m.gguf"}, "quantizations": ["q4"]} | spec]
    return fault(msgspec.convert({"name": "m", "type": "LLM", "specs": specs} | more, Family))


@pytest.mark.parametrize(
    "spec",
    [
        {"uri": "/m/{part}.gguf"},
        {"hf": {"repo": "a/{part}"}},
        {"hf": {"repo": "a/b", "file": "x-{part}.gguf"}},
        {"hf": {"repo": "a/b", "file": "x-{quantization.gguf"}},
    ],
)
@pytest.mark.parametrize("unserved", ["", "nothing runs it"])
def test_a_part_is_of_parts_alone(spec: dict[str, Any], unserved: str) -> None:
    assert "braces around other words than quantization" in of(spec, unserved=unserved)


def test_parts_are_taken_where_they_are() -> None:
    split = {"repo": "a/b-{quantization}", "split": "x-{quantization}-{part}.gguf", "parts": {"q4": 2}}
    assert of({"hf": split}) == ""


def test_an_entry_has_bounds() -> None:
    assert of({"quantizations": [f"q{number}" for number in range(300)]}) == ""
    assert "more than 1000 ways" in of({"quantizations": [f"q{number}" for number in range(1001)]})
    assert "more than 1000 ways" in of(
        {"quantizations": [f"q{number}" for number in range(501)], "engines": ["llama_cpp", "vllm"]}
    )
    for size in (-3, 0, 1e300):
        assert "a size is not within" in of({"size": size}), size
        assert "a size is not within" in of({"activated": size}), size


@pytest.mark.parametrize("more", [{"aliases": ["\x1b[2J"]}, {"unserved": "a\0b"}, {"languages": ["e\u202en"]}])
def test_what_is_written_can_be_seen(more: dict[str, Any]) -> None:
    assert "cannot be seen" in of({}, **more)
    assert "cannot be seen" in of({"quantizations": ["q\x1b"]})
