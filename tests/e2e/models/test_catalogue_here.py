"""The catalogue over HTTP: all families at once, one in full, and what to begin with."""

import time
from pathlib import Path

import httpx
import pytest

from models.catalogue.entries import families
from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e


def test_all_of_it_is_listed_quickly(stack: Stack) -> None:
    path = f"{stack.url}/v1/catalogue"
    took = []
    for _ in range(4):
        began = time.monotonic()
        answer = httpx.get(path)
        took.append(time.monotonic() - began)
    assert min(took) < 0.5
    assert answer.num_bytes_downloaded < 100_000
    data = answer.json()["data"]
    assert len(data) > len(families()) > 1000
    found = {(one["name"], one["type"]): one for one in data}
    small, own = found["qwen3", "LLM"], found["smollm2", "LLM"]
    assert (small["cause"], small["origin"], small["cached"]) == (None, "catalogue", False)
    assert "llama_cpp" in small["engines"]
    assert (own["origin"], own["sizes"], own["cached"]) == ("shipped", [0.135], True)
    assert {one["cause"] for one in data} >= {None, "memory", "unserved"}


@pytest.mark.weights
def test_the_least_is_what_the_estimate_of_a_usual_launch_has(stack: Stack) -> None:
    data = {(one["name"], one["type"]): one for one in httpx.get(f"{stack.url}/v1/catalogue").json()["data"]}
    for name in ("smollm2", "glyphs", "minilm", "whisper"):
        told = next(one for key, one in data.items() if key[0] == name)
        answer = httpx.post(f"{stack.url}/v1/models/estimate", json={"model_name": name}, timeout=60)
        needs = answer.json()["devices"][0]["needs"]
        assert told["least_bytes"] == sum(needs[f"{one}_bytes"] for one in ("weights", "kv_cache", "overhead")), name
        assert told["least_of"] == "launch"
        ways = httpx.get(f"{stack.url}/v1/catalogue/{name}").json()["weights"][0]["ways"]
        assert told["least_bytes"] in [one["needs"]["total_bytes"] for one in ways]
    assert data["qwen3", "LLM"]["least_of"] == "weights", "what its cache takes its files alone tell"


def test_one_of_it_has_every_way(stack: Stack) -> None:
    told = httpx.get(f"{stack.url}/v1/catalogue/unsloth/Qwen3-0.6B-GGUF").json()
    assert told["name"] == "qwen3", "any name that a launch takes"
    [weights] = [
        one
        for one in told["weights"]
        if (one["model_size_in_billions"], one["model_format"], one["quantization"]) == (0.6, "ggufv2", "Q8_0")
    ]
    assert 600_000_000 < weights["download_bytes"] < 700_000_000
    assert weights["repositories"]["huggingface"].endswith("GGUF")
    [way] = weights["ways"]
    assert (way["engine"], way["runs"]) == ("llama_cpp", True)
    assert any(way["cause"] == "memory" and way["reason"] for one in told["weights"] for way in one["ways"])
    assert "language model" in told["description"]
    missing = httpx.get(f"{stack.url}/v1/catalogue/qwen3", params={"model_type": "image"})
    assert (missing.status_code, missing.json()["error"]["param"]) == (404, "name")
    unknown = httpx.get(f"{stack.url}/v1/catalogue/qwen3", params={"model_type": "flexible"})
    assert (unknown.status_code, unknown.json()["error"]["param"]) == (400, "model_type")


def test_what_is_registered_belongs_to_it(stack: Stack, tmp_path: Path) -> None:
    model = {
        "version": 2,
        "model_name": "my-own",
        "model_description": "Mine alone.",
        "context_length": 2048,
        "model_lang": ["en"],
        "model_ability": ["chat"],
        "model_specs": [
            {
                "model_format": "ggufv2",
                "model_size_in_billions": 1,
                "quantizations": ["Q4_0"],
                "model_uri": str(tmp_path),
            }
        ],
    }
    made = httpx.post(f"{stack.url}/v1/model_registrations/LLM", json={"model": model, "persist": True})
    assert made.status_code == 200, made.text
    try:
        listed = httpx.get(f"{stack.url}/v1/catalogue").json()["data"][-1]
        assert (listed["name"], listed["origin"], listed["cached"]) == ("my-own", "registered", True)
        told = httpx.get(f"{stack.url}/v1/catalogue/my-own").json()
        assert (told["description"], told["description_zh"]) == ("Mine alone.", None)
        assert str(tmp_path) not in str(told), "where it lies is told to no page"
    finally:
        httpx.delete(f"{stack.url}/v1/model_registrations/LLM/my-own")


def test_what_is_suggested_can_be_had_or_says_why(new_stack: StackFactory) -> None:
    stack = new_stack(HEADRACE_OFFLINE="1")
    path = f"{stack.url}/v1/suggestions"
    first, *others = httpx.get(path).json()["data"]
    assert (first["model_name"], first["source"], first["available"]) == ("smollm2", "package", True)
    assert [one["available"] for one in others] == [None] * len(others)
    _, *asked = httpx.get(path, params={"ask_hub": True}).json()["data"]
    assert asked
    for one in asked:
        assert one["available"] is False
        assert "offline" in one["reason"]
