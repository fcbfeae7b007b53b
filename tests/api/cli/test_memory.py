"""``headrace cal-model-mem`` (``api.cli.memory``): estimates without a server, of files that are here or on a hub."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli.by_numbers import cache_options
from models.errors import InvalidRequest
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
        (["-s", "7"], "or --size-in-billions and --model-format"),
        (["-n", "smollm2", "--kv-cache-dtype", "4"], "--kv-cache-dtype 4: on llama_cpp give 8 or 16 or 32"),
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


def test_a_size_and_a_format_are_enough() -> None:
    said = run("-s", "7", "-f", "pytorch", "-c", "8192", "--device", "cuda")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("a model of 7 billion parameters needs 13.")
    assert "not known: the KV cache" in said.stdout


@pytest.mark.parametrize(("size", "name"), [("7", "qwen2.5-instruct"), ("3", "llama3.2")])
def test_where_no_hub_answers_a_name_is_estimated_by_its_numbers(size: str, name: str, tmp_path: Path) -> None:
    nobody = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path)}
    said = run("-n", name, "-s", size, "-f", "ggufv2", "-q", "q4_k_m", "--kv-cache-dtype", "16", **nobody)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"{name} needs ")
    assert "from its parameters alone: 127.0.0.1 cannot be reached" in said.stdout


def test_the_numbers_of_a_cache_are_an_option_of_the_engine() -> None:
    assert cache_options("llama_cpp", "8") == {"cache_type_k": "q8_0", "cache_type_v": "q8_0"}
    assert cache_options("vllm", "8") == {"kv_cache_dtype": "fp8"}
    assert cache_options("transformers", "16") == cache_options("echo", None) == {}
    with pytest.raises(InvalidRequest, match="on transformers give 16"):
        cache_options("transformers", "8")
