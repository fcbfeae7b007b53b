"""Engines over HTTP and by the command: what each is, what a launch may set of it, and what it can run here."""

import json
import sys
from pathlib import Path

import httpx
import jsonschema_rs
import pytest

from models.engines import FACTS
from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack, headrace
from tests.e2e.talk import chat

pytestmark = pytest.mark.e2e


def test_engines_are_listed_with_where_they_work(stack: Stack) -> None:
    listed = httpx.get(f"{stack.url}/v1/engines").json()["data"]

    assert [one["id"] for one in listed] == list(FACTS)
    echo = listed[0]
    assert echo["serves"] == {kind: list(names) for kind, names in FACTS["echo"].serves.items()}
    assert echo["devices"]
    assert all(one["works"] and one["reason"] == "" for one in echo["devices"])


def test_the_options_of_an_engine_are_json_schema(stack: Stack) -> None:
    schema = httpx.get(f"{stack.url}/v1/engines/llama.cpp/options").json()
    jsonschema_rs.meta.validate(schema)
    assert schema["properties"]["n_ctx"] == {
        "type": "integer",
        "default": 4096,
        "minimum": 64,
        "maximum": 1 << 24,
        "description": "Context of each request, prompt and answer together.",
    }
    videos = httpx.get(f"{stack.url}/v1/engines/diffusers/options", params={"model_type": "video"}).json()
    assert "default_frames" in videos["properties"]
    wrong = httpx.get(f"{stack.url}/v1/engines/diffusers/options", params={"model_type": "rerank"})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "model_type")
    unknown = httpx.get(f"{stack.url}/v1/engines/sglang/options")
    assert (unknown.status_code, unknown.json()["error"]["param"]) == (404, "engine")


def test_what_can_run_a_model_is_told_without_asking_a_hub(stack: Stack) -> None:
    table = httpx.get(f"{stack.url}/v1/engines/LLM/qwen3").json()
    assert list(table) == ["llama_cpp", "transformers", "vllm"]
    assert {"model_format", "model_size_in_billions", "quantizations"} <= table["llama_cpp"][0].keys()

    named = httpx.get(f"{stack.url}/v1/engines/Qwen/Qwen3-8B-AWQ", params={"detailed": True})
    found = httpx.get(f"{stack.url}/v1/engines/LLM/Qwen/Qwen3-8B-AWQ", params={"detailed": True}).json()
    assert named.json() == found, "a name with a slash needs no type before it"
    assert (found["model_name"], found["model_type"]) == ("qwen3", "LLM")
    assert {(one["model_format"], one["model_size_in_billions"]) for one in found["data"]} == {("awq", 8.0)}
    assert httpx.get(f"{stack.url}/v1/engines/echo").json()["echo"][0]["model_name"] == "echo"
    missing = httpx.get(f"{stack.url}/v1/engines/embedding/qwen3-instrukt")
    assert (missing.status_code, missing.json()["error"]["param"]) == (404, "name")
    typed = httpx.get(f"{stack.url}/v1/engines/flexible/mine")
    assert (typed.status_code, typed.json()["error"]["param"]) == (404, "model_type")


def test_the_command_shows_it(stack: Stack) -> None:
    done = headrace(stack, "engine", "-n", "qwen3", "-s", "0_6", "-f", "ggufv2", "-q", "q8_0")
    assert done.returncode == 0, done.stderr
    title, row = done.stdout.splitlines()
    assert title.split()[:3] == ["engine", "format", "billions"]
    assert row.split()[:5] == ["llama_cpp", "ggufv2", "0.6", "Q8_0", "0.7"]
    assert row.split()[5].endswith(".cpu")
    wrong = headrace(stack, "engine", "-n", "qwen3", "-s", "9")
    assert wrong.returncode == 1
    assert "does not come so" in wrong.stderr
    options = headrace(stack, "engine", "--options", "llama.cpp")
    assert "--n-ctx integer 64..16,777,216 [4096]" in options.stdout


@pytest.mark.parametrize("broken", ["exit 7", "echo nonsense", "kill -9 $$"])
def test_an_environment_that_is_broken_stops_nothing(new_stack: StackFactory, tmp_path: Path, broken: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{broken}\n")
    python.chmod(0o755)
    stack = new_stack(HEADRACE_INTERPRETERS=json.dumps({"vllm": str(python)}))

    stack.client.launch({"model_name": "echo", "model_uid": "echo"})
    stack.client.wait_ready("echo")
    said = httpx.post(f"{stack.url}/v1/chat/completions", json=chat("echo", max_tokens=2), timeout=60)
    assert said.status_code == 200
    reason = httpx.get(f"{stack.url}/v1/engines/LLM/qwen3").json()["vllm"]
    assert f"its interpreter {python} cannot be asked" in reason
    assert sys.executable not in reason
