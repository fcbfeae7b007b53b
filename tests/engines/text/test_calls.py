"""The same calls in every format that models write, wherever their text is cut."""

import json
import re
from typing import Any, get_args

import pytest

from models.launching.chat_templates import REASONING_FORMATS, ReasoningFormatName
from models.launching.options.text import ToolFormatName
from models.modalities.text import ToolCall
from tests.engines.text.samples import ANSWERS, CALLS, FUNCTIONS, TWO, Sample
from workers.engines.text.answers import Piece, Splitter
from workers.engines.text.calls.table import CALL_FORMATS, UNREAD
from workers.engines.text.dialects import dialect_of
from workers.engines.text.thoughts import thinking_of


def named(sample: Sample) -> str:
    return f"{sample.calls}-{sample.thoughts}"


def heard(sample: Sample, text: str, size: int) -> tuple[str, str, list[ToolCall], bool]:
    tags = REASONING_FORMATS[sample.thoughts] if sample.thoughts else None
    thinking = thinking_of("", tags) if tags else "over"
    splitter = Splitter(tags, thinking, CALL_FORMATS[sample.calls], FUNCTIONS)
    whole = Piece()
    for start in range(0, len(text), size):
        whole += splitter.feed(text[start : start + size])
    whole += splitter.flush()
    calls: list[ToolCall] = []
    for piece in whole.tools:
        if piece.id:
            calls.append(ToolCall(piece.id, piece.name))
        calls[piece.index].arguments += piece.arguments
    return whole.text, whole.reasoning, calls, splitter.called


def meant(calls: list[ToolCall]) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in calls]


@pytest.mark.parametrize("sample", CALLS, ids=named)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 10_000])
def test_calls_are_read_wherever_their_text_is_cut(sample: Sample, size: int) -> None:
    said, thought, calls, called = heard(sample, sample.text, size)

    assert meant(calls) == TWO
    assert (said, thought, called) == (sample.said, sample.thought, True)


@pytest.mark.parametrize("sample", ANSWERS, ids=named)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 10_000])
def test_thoughts_are_told_from_answers(sample: Sample, size: int) -> None:
    assert heard(sample, sample.text, size) == (sample.said, sample.thought, [], False)


@pytest.mark.parametrize("sample", CALLS, ids=named)
def test_a_call_that_is_cut_is_not_given_as_a_whole_one(sample: Sample) -> None:
    for end in range(len(sample.text)):
        _, _, calls, _ = heard(sample, sample.text[:end], 5)

        given = [call for call in calls if call.is_whole]
        assert meant(given) == TWO[: len(given)]
        assert len(calls) <= len(given) + 1


@pytest.mark.parametrize("sample", CALLS, ids=named)
def test_a_call_of_what_is_not_there_is_text(sample: Sample) -> None:
    text = sample.text.replace("get", "other")
    said, thought, calls, _ = heard(sample, text, 3)

    assert "get" not in [call.name for call in calls]
    assert "other" in said
    assert thought == sample.thought
    assert (said, thought) == heard(sample, text, 10_000)[:2]


@pytest.mark.parametrize("form", CALL_FORMATS)
@pytest.mark.parametrize(
    "text", ["No call: 1 < 2, [x] and {y}.\n", "[1, 2] is a list", '{"a": 1}', " <tool", "", "```\ncode\n```\n< |"]
)
def test_what_is_no_call_stays(form: str, text: str) -> None:
    for size in (1, 3, 100):
        assert heard(Sample(form, "", text), text, size) == (text, "", [], False)


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ("3", {"type": "string"}, "3"),
        ("3", {"type": "integer"}, 3),
        ("3", {}, 3),
        ("3.5", {"type": "number"}, 3.5),
        ("three", {"type": "integer"}, "three"),
        ("True", {"type": "boolean"}, True),
        ("null", {"type": ["string", "null"]}, None),
        ("7", {"type": ["string", "null"]}, "7"),
        ("null", {"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        ("{'a': None}", {"type": "object"}, {"a": None}),
        ('{"a": [1]}', None, {"a": [1]}),
        ("[1, 2", {"type": "array"}, "[1, 2"),
        ("NaN", {"type": "number"}, "NaN"),
        ("1", {"enum": ["1", "2"]}, "1"),
        ("1", {"enum": [1, 2]}, 1),
        ("5", {"$ref": "#/$defs/word"}, "5"),
    ],
)
def test_untyped_text_becomes_what_the_schema_says(value: str, schema: Any, expected: Any) -> None:
    parameters = {"properties": {"a": schema}, "$defs": {"word": {"type": "string"}}}
    splitter = Splitter(None, "over", CALL_FORMATS["glm45"], {"get": parameters})
    piece = splitter.feed(f"<tool_call>get<arg_key>a</arg_key><arg_value>{value}</arg_value></tool_call>")

    assert json.loads("".join(tool.arguments for tool in piece.tools)) == {"a": expected}


def test_long_texts_are_told_as_they_come() -> None:
    splitter = Splitter(None, "over", CALL_FORMATS["qwen3_coder"], FUNCTIONS)
    splitter.feed("<tool_call>\n<function=get>\n<parameter=city>\nRo")

    assert [tool.arguments for piece in ("m", 'e "', "\n</para") for tool in splitter.feed(piece).tools] == [
        "m",
        'e \\"',
    ]
    assert splitter.feed("x").tools[0].arguments == "\\n</parax"


VLLM = {
    **{name: name for name in ("apertus", "cohere_command3", "deepseek_v3", "deepseek_v31", "deepseek_v32", "dots")},
    **{name: name for name in ("functiongemma", "gemma4", "gigachat3", "glm45", "granite", "granite-20b-fc", "hermes")},
    **{name: name for name in ("inkling", "internlm", "jamba", "k2_horizon", "kimi_k2", "kimi_k3", "lfm2", "longcat")},
    **{name: name for name in ("minicpm5", "minimax_m2", "mistral", "muse_glimmer", "olmo3", "openai", "plamo3")},
    **{name: name for name in ("phi4_mini_json", "pythonic", "qwen3_coder", "seed_oss", "step3", "xlam")},
    **dict.fromkeys(("deepseek_v4", "deepseek_v41"), "deepseek_v32"),
    **dict.fromkeys(("glm47", "ling3", "poolside_v1"), "glm45"),
    **dict.fromkeys(("qwen3_xml", "step3p5", "mimo"), "qwen3_coder"),
    **dict.fromkeys(("ernie45", "granite4", "qwen3_json"), "hermes"),
    **dict.fromkeys(("llama3_json", "llama4_json"), "llama3"),
    "cohere_command4": "cohere_command3",
    "hunyuan_a13b": "jamba",
    "llama4_pythonic": "pythonic",
}
"""vLLM's parser → the format that is read here. ``hf`` is no format, but a parser that a model brings with it."""


def test_every_format_has_a_name_an_example_and_a_reader() -> None:
    assert set(get_args(ToolFormatName)) == {"auto", *CALL_FORMATS}
    assert set(get_args(ReasoningFormatName)) == {"auto", "none", *REASONING_FORMATS}
    assert {sample.calls for sample in CALLS} == set(CALL_FORMATS)
    assert {sample.thoughts for sample in (*CALLS, *ANSWERS)} - {""} == set(REASONING_FORMATS)
    assert set(VLLM.values()) <= set(CALL_FORMATS)
    assert not UNREAD.keys() & VLLM.keys()


@pytest.mark.parametrize("sample", CALLS, ids=named)
def test_what_marks_a_call_is_not_hidden(sample: Sample) -> None:
    """A tokenizer hides special tokens, but for those that the marks of the dialect hold."""
    marks = dialect_of("{{ tools }}", sample.calls, sample.thoughts or "none").marks
    special = re.compile(r"</?[|\uff5c][^>]*[|\uff5c]>|<[|]start[|]>")
    shown = special.sub(lambda found: found[0] if any(found[0] in mark for mark in marks) else "", sample.text)

    assert meant(heard(sample, shown, 100)[2]) == TWO
