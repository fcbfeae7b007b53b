"""``headrace cal-model-mem`` (``api.cli.memory``): estimates without a server, of files that are here or on a hub."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.stack import clean_environment
from tests.support.hubs import Hub

TIMES = "\N{MULTIPLICATION SIGN}"


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "api.cli", "cal-model-mem", *arguments]
    env = clean_environment() | environment
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=env, check=False)


def test_a_model_of_the_catalogue_is_estimated_by_xinferences_flags() -> None:
    said = run("-n", "smollm2", "-f", "ggufv2", "-q", "Q4_1", "-s", "0_135", "-c", "2048", "--device", "cpu")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"smollm2 needs 0.51 GiB (0.09 weights, 0.35 KV cache for 2,048 {TIMES} 8, 0.0")
    assert said.stdout.endswith("on llama_cpp\n")


def test_options_of_the_engine_and_the_device_count() -> None:
    said = run("-n", "smollm2", "-en", "transformers", "--device", "cuda", "-c", "1024", "--max-requests", "2")
    assert said.returncode == 0, said.stderr
    first, second = said.stdout.splitlines()
    assert f"(0.25 weights, 0.04 KV cache for 1,024 {TIMES} 2" in first
    assert first.endswith("on transformers, as bfloat16")
    assert second.startswith("with less it serves fewer requests at once; at least")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "give --model-name or --model-path"),
        (["-n", "no-such"], "the catalogue has no model 'no-such'"),
        (["-n", "smollm2", "-q", "Q9"], "'smollm2' does not come as quantization Q9"),
        (["-n", "smollm2", "--device", "abacus"], "--device abacus: give cpu, cuda, metal or auto"),
        (["--model-path", "/no/such/folder"], "there is nothing at /no/such/folder"),
        (["--model-path", "nowhere"], "'nowhere' names no weights"),
        (["-n", "smollm2", "--replica", "0"], "replica: Input should be greater than or equal to 1"),
    ],
)
def test_what_cannot_be_estimated_is_one_line(arguments: list[str], why: str) -> None:
    said = run(*arguments)
    assert said.returncode == 1
    assert why in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_of_a_hub_kilobytes_are_read(tmp_path: Path) -> None:
    size = 64 << 20
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 2}
    config |= {"num_attention_heads": 4, "hidden_size": 64, "vocab_size": 1000, "intermediate_size": 64}
    tensor = json.dumps({"a": {"dtype": "BF16", "shape": [size // 2], "data_offsets": [0, size]}}).encode()
    weights = struct.pack("<Q", len(tensor)) + tensor + bytes(size)
    with Hub({"org/chat": {"config.json": json.dumps(config).encode(), "model.safetensors": weights}}) as hub:
        here = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path)}
        said = run("--model-path", "hf:org/chat", "--device", "cuda", **here)
        assert hub.sent < 1 << 20
    assert said.returncode == 0, said.stderr
    assert "(0.06 weights, " in said.stdout
    assert said.stdout.endswith("0.06 GiB are to be downloaded\n")
