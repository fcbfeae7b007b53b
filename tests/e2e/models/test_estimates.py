"""What a launch needs, said before it: over REST, by the command line, and in the refusal of one that cannot fit."""

import json
import struct
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Stack, headrace
from tests.support.weights import smollm2_gguf

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

TIB = 1 << 40


def estimated(stack: Stack, **body: Any) -> httpx.Response:
    return httpx.post(f"{stack.url}/v1/models/estimate", json=body, timeout=60)


def vast(folder: Path, *, header: bytes = b"") -> Path:
    """A language model of a tebibyte, of which the file system keeps the header alone."""
    folder.mkdir()
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 2}
    config |= {"num_attention_heads": 4, "hidden_size": 64, "vocab_size": 1000, "intermediate_size": 64}
    (folder / "config.json").write_text(json.dumps(config))
    tensor = {"a": {"dtype": "BF16", "shape": [TIB // 4], "data_offsets": [0, TIB // 2]}}
    text = header or json.dumps(tensor).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + TIB // 2)
    return folder


def test_a_launch_is_estimated_and_nothing_is_launched(stack: Stack) -> None:
    path = smollm2_gguf()
    assert path is not None
    answer = estimated(stack, model_name="smollm2", n_ctx=1024, n_parallel=2)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["model_engine"], said["model_type"], said["download_bytes"]) == ("llama_cpp", "LLM", 0)
    [device] = said["devices"]
    needs = device["needs"]
    assert needs["weights_bytes"] == path.stat().st_size
    assert needs["kv_cache_bytes"] == 2 * 1024 * 30 * 3 * 64 * 2 * 2
    assert (needs["context_length"], needs["requests"]) == (1024, 2)
    assert needs["total_bytes"] == sum(needs[f"{one}_bytes"] for one in ("weights", "kv_cache", "overhead"))
    assert device["fits"] is True
    assert 0 < device["free_bytes"] < device["total_bytes"]
    assert "smollm2 needs 0.20 GiB (0.09 weights" in device["message"]
    assert httpx.get(f"{stack.url}/v1/models/smollm2").status_code == 404


def test_a_model_without_weights_is_estimated(stack: Stack) -> None:
    [device] = estimated(stack, model_name="echo").json()["devices"]
    assert device["needs"]["weights_bytes"] == 0


def test_a_launch_that_cannot_fit_is_refused_with_the_numbers(stack: Stack, tmp_path: Path) -> None:
    folder = vast(tmp_path / "vast")
    [device] = estimated(stack, model_name="vast", model_path=str(folder)).json()["devices"]
    assert device["needs"]["weights_bytes"] == TIB
    assert device["fits"] is False

    answer = httpx.post(f"{stack.url}/v1/models", json={"model_name": "vast", "model_path": str(folder)}, timeout=60)

    assert answer.status_code == 503
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("no_device", "model_path")
    assert "vast needs 1024." in error["message"]
    assert "(1024.0 weights, " in error["message"]
    assert "GiB free" in error["message"]
    assert httpx.get(f"{stack.url}/v1/models/vast").status_code == 404
    launched = headrace(stack, "launch", "-n", "vast", "--model-path", str(folder))
    assert launched.returncode == 1
    assert "1024.0 weights" in launched.stderr


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b" " * (26 << 20), "its header has 27262976 bytes: 26214400 are read at most"),
        (b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}', "the shape [-1]"),
    ],
)
def test_headers_that_cannot_be_are_refused(stack: Stack, tmp_path: Path, header: bytes, why: str) -> None:
    answer = estimated(stack, model_name="m", model_path=str(vast(tmp_path / "m", header=header)))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "model_path"
    assert why in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 400, "model_name"),
        ({"model_name": "no-such"}, 404, "model_name"),
        ({"model_name": "m", "model_path": "nowhere"}, 400, "model_path"),
        ({"model_name": "echo", "model_engine": "steam"}, 400, "model_engine"),
    ],
)
def test_what_cannot_be_launched_cannot_be_estimated(
    stack: Stack, body: dict[str, Any], status: int, param: str
) -> None:
    answer = estimated(stack, **body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
