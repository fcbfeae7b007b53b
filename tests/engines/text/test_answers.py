"""Taking a model's text apart: thoughts, calls and the rest, wherever the text is cut."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.launching.chat_templates import REASONING_FORMATS, Tags, tags_of
from workers.engines.text.answers import Piece, Splitter
from workers.engines.text.calls.formats import HERMES, LLAMA3, MISTRAL, MISTRAL_ARGS, TOOL_FORMATS, ToolFormat
from workers.engines.text.calls.table import format_of
from workers.engines.text.thoughts import Thinking, thinking_of

THINK = Tags("<think>", "</think>")
NAMES: dict[str, Any] = {"get": None, "go": None}

Call = tuple[str, str]


GET = '<tool_call>{"name":"get","arguments":{}}</tool_call>'
GOT = [("get", "{}")]
UNKNOWN = '<tool_call>{"name": "other"}</tool_call>'


class Heard:
    """What a splitter made of pieces of text."""

    def __init__(self, splitter: Splitter, pieces: list[str]) -> None:
        self.splitter = splitter
        self.shown: list[Piece] = [splitter.feed(piece) for piece in pieces]
        self.shown.append(splitter.flush())

    @property
    def text(self) -> str:
        return "".join(one.text for one in self.shown)

    @property
    def reasoning(self) -> str:
        return "".join(one.reasoning for one in self.shown)

    @property
    def calls(self) -> list[Call]:
        found: dict[int, list[str]] = {}
        for piece in (tool for one in self.shown for tool in one.tools):
            if piece.id:
                assert piece.index == len(found)
                assert piece.name
                found[piece.index] = [piece.name, ""]
            found[piece.index][1] += piece.arguments
        return [(name, arguments) for name, arguments in found.values()]

    @property
    def all(self) -> tuple[str, str, list[Call]]:
        return self.text, self.reasoning, self.calls


def hear(text: str, form: ToolFormat | None = None, tags: Tags | None = None, thinking: Thinking = "possible") -> Heard:
    return Heard(Splitter(tags, thinking, form, NAMES), [text])


@pytest.mark.parametrize(
    ("form", "text", "said", "calls"),
    [
        (HERMES, "No call.", "No call.", []),
        (HERMES, " spaces stay \n", " spaces stay \n", []),
        (
            HERMES,
            'Let me see.\n<tool_call>\n{"name": "get", "arguments": {"a": 1}}\n</tool_call>',
            "Let me see.",
            [("get", '{"a": 1}')],
        ),
        (
            HERMES,
            f'{GET}\n<tool_call>\n{{"arguments": {{"b": "}}]"}}, "name": "go"}}\n</tool_call>\n',
            "",
            [*GOT, ("go", '{"b": "}]"}')],
        ),
        (HERMES, '<tool_call>{"name":"get"}</tool_call> Done.', " Done.", [("get", "{}")]),
        (
            HERMES,
            '<tool_call>{"name":"get","arguments":"{\\"a\\": \\"\\u00e9\\"}"}</tool_call>',
            "",
            [("get", '{"a": "é"}')],
        ),
        (
            HERMES,
            '<tool_call>{"id": 7, "name":"get","more":[{"x":null}],"arguments":null}</tool_call>',
            "",
            [("get", "{}")],
        ),
        (HERMES, '<tool_call>{"name": "get", "arguments": {"a": [1, 2', "", [("get", '{"a": [1, 2')]),
        (HERMES, '<tool_call>\n{"name": "ge', '<tool_call>\n{"name": "ge', []),
        (HERMES, "<tool_call>\nnot json</tool_call> and on", "<tool_call>\nnot json</tool_call> and on", []),
        (HERMES, UNKNOWN, UNKNOWN, []),
        (HERMES, 'a <tool <tool_call>{"name": "get"}', "a <tool", [("get", "{}")]),
        (HERMES, "1 < 2 <tool_", "1 < 2 <tool_", []),
        (HERMES, '<tool_call>{"name": "get"}</tool_c', "", [("get", "{}")]),
        (LLAMA3, '{"name": "get", "parameters": {"a": {"b": "c"}}}', "", [("get", '{"a": {"b": "c"}}')]),
        (
            LLAMA3,
            '<|python_tag|>{"name": "get", "parameters": {}}; {"name": "go", "parameters": {}}',
            "",
            [("get", "{}"), ("go", "{}")],
        ),
        (LLAMA3, '{"answer": 42, "name": 3}', '{"answer": 42, "name": 3}', []),
        (LLAMA3, 'Look: {"name": "get"}', 'Look: {"name": "get"}', []),
        (LLAMA3, "", "", []),
        (
            MISTRAL,
            '[TOOL_CALLS] [{"name": "get", "arguments": {"a": 1}, "id": "x"}, {"name": "go", "arguments": {}}]',
            "",
            [("get", '{"a": 1}'), ("go", "{}")],
        ),
        (MISTRAL, "Well [TOOL_CALLS", "Well [TOOL_CALLS", []),
        (
            MISTRAL_ARGS,
            '[TOOL_CALLS]get[ARGS]{"a": 1}[TOOL_CALLS]go[CALL_ID]12[ARGS]{}',
            "",
            [("get", '{"a": 1}'), ("go", "{}")],
        ),
        (MISTRAL_ARGS, 'Hm [TOOL_CALLS]get{"a": 1} so', "Hm so", [("get", '{"a": 1}')]),
    ],
)
def test_calls_are_found(form: ToolFormat, text: str, said: str, calls: list[Call]) -> None:
    heard = hear(text, form)

    assert heard.text == said
    assert heard.calls == calls


@pytest.mark.parametrize(
    ("thinking", "text", "reasoning", "said"),
    [
        ("possible", "Just so.", "", "Just so."),
        ("possible", "  Just so.", "", "  Just so."),
        ("possible", "<think>\nHm.\n</think>\n\nSo.", "Hm.", "So."),
        ("possible", "\n<think></think>So.", "", "So."),
        ("possible", "<thin", "", "<thin"),
        ("possible", "So <think>no</think>", "", "So <think>no</think>"),
        ("open", "\nHm </th no. </think> So.\n", "Hm </th no.", "So.\n"),
        ("open", "Hm, on and on \n", "Hm, on and on", ""),
        ("over", "<think>", "", "<think>"),
    ],
)
def test_thoughts_are_told_from_the_answer(thinking: Thinking, text: str, reasoning: str, said: str) -> None:
    heard = hear(text, tags=THINK, thinking=thinking)

    assert (heard.reasoning, heard.text) == (reasoning, said)


@pytest.mark.parametrize(
    ("prompt", "thinking"),
    [
        ("user: hi\nassistant: ", "possible"),
        ("user: hi\nassistant: <think>\n", "open"),
        ("assistant: <think>\n\n</think>\n\n", "over"),
        ("assistant: <think>x</think>a\nassistant: ", "possible"),
        ("user: what is <think>?\nassistant: ", "possible"),
    ],
)
def test_the_prompt_says_where_the_answer_begins(prompt: str, thinking: Thinking) -> None:
    assert thinking_of(prompt, THINK) == thinking


_words = st.sampled_from(
    [
        *("<think>", "</think>", "<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", "<|python_tag|>", "<", "</"),
        *(
            '{"name": "get", "arguments": {"a": "}"}}',
            '{"name": "go", "parameters": {}}',
            '{"name": "get"',
            "get",
            "[",
            "]",
        ),
        *(" ", "\n", ", ", "word", "é😀", '"', "}", "{", "\\", "; ", "7"),
    ]
)


@given(
    words=st.lists(_words, max_size=12),
    cuts=st.sets(st.integers(0, 200)),
    form=st.sampled_from([*TOOL_FORMATS.values(), None]),
    tags=st.sampled_from([THINK, None]),
    thinking=st.sampled_from(["possible", "open", "over"]),
)
def test_it_does_not_matter_where_the_text_is_cut(
    words: list[str], cuts: set[int], form: ToolFormat | None, tags: Tags | None, thinking: Thinking
) -> None:
    text = "".join(words)
    bounds = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[start:end] for start, end in pairwise(bounds)]

    cut = Heard(Splitter(tags, thinking, form, NAMES), pieces)

    assert cut.all == hear(text, form, tags, thinking).all
    if form is None and tags is None:
        assert cut.text == text


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    calls=st.lists(st.tuples(st.sampled_from(sorted(NAMES)), st.dictionaries(st.text(max_size=5), _json, max_size=3))),
    form=st.sampled_from([*TOOL_FORMATS.values()]),
    indent=st.sampled_from([None, 2]),
)
def test_what_is_written_is_read(calls: list[tuple[str, dict[str, Any]]], form: ToolFormat, indent: int | None) -> None:
    if not form.repeats and not form.listed:
        calls = calls[:1]
    written = [
        f"{form.lead}{name}{form.middle}{json.dumps(arguments, indent=indent)}{form.tail}{form.end}"
        for name, arguments in calls
    ]
    text = form.separator.join(form.trigger + one for one in written)
    if form.listed and calls:
        text = f"{form.trigger}[{form.separator.join(written)}]"

    heard = hear(text, form)

    assert [(name, json.loads(arguments)) for name, arguments in heard.calls] == calls
    assert heard.text == ""
    assert heard.splitter.called == bool(calls)


def test_one_call_may_be_all_that_is_wanted() -> None:
    splitter = Splitter(None, "over", HERMES, NAMES, single=True)

    splitter.feed('<tool_call>{"name": "get", "arguments": {"a": {}')
    assert not splitter.full
    splitter.feed("}}")
    assert splitter.full


def test_where_nothing_but_calls_is_said_a_call_that_is_cut_is_no_text() -> None:
    text = '<tool_call>\n{"name": "get", "arguments": {"a": {}}}\n</tool_call>'
    for end in range(2 * len(text) + 2):
        splitter = Splitter(None, "over", HERMES, NAMES, must=True)
        whole = splitter.feed(f"{text}\n{text.replace('get', 'go')}"[:end]) + splitter.flush()

        assert whole.text == ""
    assert {one.index for one in whole.tools} == {0, 1}


def test_arguments_are_told_as_they_come() -> None:
    splitter = Splitter(None, "over", HERMES, NAMES)
    splitter.feed('<tool_call>{"name": "get", "arguments": ')

    assert [splitter.feed(piece).tools[0].arguments for piece in ('{"a"', ': "', "long", '"')] == [
        '{"a"',
        ': "',
        "long",
        '"',
    ]


def test_tags_are_never_half_shown() -> None:
    splitter = Splitter(THINK, "possible", HERMES, NAMES)

    shown = [splitter.feed(one) for one in ("<th", "ink>", "Hm", "</thi", "nk>", "So <tool", "_call>")]

    assert [one.reasoning for one in shown] == ["", "", "Hm", "", "", "", ""]
    assert [one.text for one in shown] == ["", "", "", "", "", "So", ""]


@pytest.mark.parametrize(
    ("template", "form", "tags"),
    [
        ("{{ messages[0]['content'] }}", None, None),
        ("{% if tools %}<tool_call>\n{{ tools }}</tool_call>{% endif %}", HERMES, None),
        ("<tool_call>\n<function=x>", None, None),
        ('{"name": function name, "parameters": dictionary}{% if ipython %}', LLAMA3, None),
        ("[AVAILABLE_TOOLS][TOOL_CALLS]", MISTRAL, None),
        ("[TOOL_CALLS]name[ARGS]{}[THINK][/THINK]", MISTRAL_ARGS, Tags("[THINK]", "[/THINK]")),
        ("{{ content.split('</think>')[-1] }}", None, REASONING_FORMATS["deepseek_r1"]),
        ("<think>{{ content.split('</think>')[-1] }}", None, THINK),
    ],
)
def test_a_template_shows_what_its_model_writes(template: str, form: ToolFormat | None, tags: Tags | None) -> None:
    assert format_of(template) == form
    assert tags_of(template) == tags


AGAIN = '<tool_call>\n{"name": "get", "arguments": {"city": "Rome"}}\n</tool_call>\n'
ROME, OSLO = ("get", '{"city": "Rome"}'), ("get", '{"city": "Oslo"}')


@pytest.mark.parametrize(
    ("text", "calls", "repeated"),
    [
        (AGAIN * 3, [ROME], True),
        (AGAIN + AGAIN.replace(': "Rome"', ' :\t"Rome"\n'), [ROME], True),
        (AGAIN + AGAIN.replace("Rome", " Rome"), [ROME, ("get", '{"city": " Rome"}')], False),
        (AGAIN + AGAIN.replace("Rome", "Oslo") + AGAIN, [ROME, OSLO, ROME], False),
        (AGAIN + AGAIN.replace("get", "go"), [ROME, ("go", ROME[1])], False),
        (AGAIN + AGAIN.replace('"Rome"', '"Rome", "unit": 1'), [ROME, ("get", '{"city": "Rome", "unit": 1}')], False),
        (AGAIN + AGAIN[:50], [ROME], False),  # cut within a call that so far is the same
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_call_that_is_repeated_ends_calls_that_are_demanded(
    text: str, calls: list[Call], repeated: bool, size: int
) -> None:
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    heard = Heard(Splitter(None, "over", HERMES, NAMES, must=True), pieces)
    free = Heard(Splitter(None, "over", HERMES, NAMES), pieces)

    assert heard.calls == calls
    assert heard.splitter.repeated == heard.splitter.full == repeated
    assert not free.splitter.full
    assert len(free.calls) == text.count('{"city') or not repeated


def test_a_call_is_shown_as_soon_as_it_differs_from_the_one_before() -> None:
    splitter = Splitter(None, "over", HERMES, NAMES, must=True)
    assert splitter.feed(AGAIN).tools
    assert not splitter.feed('<tool_call>\n{"name": "get", "arguments": {"city": "R').tools
    [piece] = splitter.feed("i").tools
    assert (piece.index, piece.name, piece.arguments) == (1, "get", '{"city": "Ri')
    [piece] = splitter.feed("o").tools
    assert (piece.id, piece.arguments) == ("", "o")
