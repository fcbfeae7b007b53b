"""Chat templates tried out by HTTP: given, and those of real weights."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from transformers import AutoTokenizer

from tests.e2e.stack import Stack
from tests.support.weights import minilm_directory, smollm2_directory, smollm2_gguf

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

MESSAGES = [{"role": "user", "content": "Where does water flow? <&>"}]
CALLED = [
    {"role": "assistant", "tool_calls": [{"function": {"name": "look", "arguments": '{"at": "水"}'}}]},
    {"role": "tool", "content": "there"},
]


def render(stack: Stack, **body: Any) -> httpx.Response:
    """Try a template."""
    return httpx.post(f"{stack.url}/v1/chat_templates/render", json={"messages": MESSAGES} | body, timeout=60)


def expected(folder: Path) -> str:
    """What transformers makes of the conversation, with a model's own template."""
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    return str(tokenizer.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True))


def test_the_template_of_real_weights_reads_as_their_engine_has_it(stack: Stack) -> None:
    folder, gguf = smollm2_directory(), smollm2_gguf()
    assert folder is not None
    assert gguf is not None
    for place in (folder, gguf):
        answer = render(stack, model_path=str(place)).json()
        assert answer["error"] is None
        assert answer["text"] == expected(folder)
        assert "im_start" in answer["chat_template"]
        assert (answer["describes_tools"], answer["takes_thinking"]) == (False, False)
    answer = render(stack, model_path=str(folder), chat_template="{{ eos_token }}|{{ tools is defined }}").json()
    assert answer["text"] == "<|im_end|>|False"


def test_a_conversation_with_calls_tools_and_thinking(stack: Stack) -> None:
    template = (
        "{% for m in messages %}{% for c in m.tool_calls %}{{ c.function.arguments.at }}{% endfor %}{% endfor %}"
        "|{{ tools[0].function.name }}|{{ enable_thinking }}|{{ add_generation_prompt }}"
    )
    tools = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    asked = {"messages": MESSAGES + CALLED, "tools": tools, "enable_thinking": False, "add_generation_prompt": False}
    answer = render(stack, chat_template=template, **asked).json()
    assert answer["text"] == "水|look|False|False"
    assert (answer["describes_tools"], answer["takes_thinking"]) == (True, True)


def test_what_is_wrong_with_a_template_is_told(stack: Stack) -> None:
    answer = render(stack, chat_template="a\n\n{% if %}").json()
    assert answer["text"] is None
    assert (answer["error"]["kind"], answer["error"]["line"]) == ("syntax", 3)
    answer = render(stack, chat_template="{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}")
    assert answer.json()["error"]["kind"] == "too_slow"
    assert httpx.get(f"{stack.url}/readyz").status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 400, "chat_template"),
        ({"chat_template": "a", "messages": []}, 400, "messages"),
        ({"chat_template": "a" * (1 << 18)}, 400, "chat_template"),
        ({"model_path": "/nowhere/at/all"}, 400, "model_path"),
        ({"model_path": str(minilm_directory())}, 400, "chat_template"),
        ({"chat_template": "a", "messages": [{"content": "x" * (1 << 20)}]}, 413, None),
        ({"chat_template": "a", "enable_thinking": "perhaps"}, 400, "enable_thinking"),
    ],
)
def test_what_cannot_be_tried_is_refused(stack: Stack, body: dict[str, Any], status: int, param: str | None) -> None:
    refused = render(stack, **body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (status, param)


def test_messages_without_bottom_are_refused(stack: Stack) -> None:
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    text = json.dumps({"chat_template": "a", "messages": [{"role": "user", "content": 0}]}).replace("0", deep)
    refused = httpx.post(
        f"{stack.url}/v1/chat_templates/render", content=text, headers={"Content-Type": "application/json"}
    )
    assert refused.status_code == 400
