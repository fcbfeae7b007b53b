"""The schemas that answers are held to: objects are closed, functions take what they say, and all of it compiles."""

import json
from typing import Any

import pytest

from models.modalities.chat.tools import FunctionSpec
from models.modalities.schemas import relaxed
from tests.models.modalities.test_schemas import FOLLOWED, LEFT_OUT, NOT_FOLLOWED
from workers.engines.structured.schemas import arguments_schema, enforced

llguidance = pytest.importorskip("llguidance")

A: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
B: dict[str, Any] = {"properties": {"b": {}}}
BASE = {"$defs": {"A": A}}
NEXT = {"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]}
NODE = {"type": "object", "properties": {"a": {"type": "integer"}, "next": NEXT}}


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return llguidance.LLTokenizer("byte")


def fault(tokenizer: Any, schema: Any) -> str:
    grammar = json.dumps({"grammars": [{"name": "form", "json_schema": schema}]})
    return str(llguidance.LLMatcher.validate_grammar(grammar, tokenizer))


def accepts(tokenizer: Any, schema: Any, text: str) -> bool:
    grammar = json.dumps({"grammars": [{"json_schema": schema}]})
    matcher = llguidance.LLMatcher(tokenizer, grammar, log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    return all(matcher.consume_token(byte) for byte in text.encode()) and matcher.is_accepting()


@pytest.mark.parametrize(
    "schema", [one for one, _, _ in LEFT_OUT if one != {"type": 5}] + [{"pattern": one} for one in FOLLOWED]
)
def test_what_is_kept_of_a_schema_compiles(tokenizer: Any, schema: Any) -> None:
    assert not fault(tokenizer, relaxed(schema).schema)


@pytest.mark.parametrize("pattern", NOT_FOLLOWED)
def test_what_is_left_out_would_not_compile(tokenizer: Any, pattern: str) -> None:
    assert fault(tokenizer, {"type": "string", "pattern": pattern})


CLOSED: list[tuple[Any, list[str], list[str]]] = [
    (A, ['{"a":1}'], ['{"a":1,"x":2}']),
    (A | {"additionalProperties": True}, ['{"a":1,"x":2}'], []),
    (A | {"additionalProperties": {"type": "null"}}, ['{"a":1,"x":null}'], ['{"a":1,"x":2}']),
    (A | {"patternProperties": {"^x": {}}}, ['{"a":1,"x":2}'], []),
    (A | {"unevaluatedProperties": True}, ['{"a":1,"x":2}'], []),
    (A | {"required": ["a", "b"]}, ['{"a":1,"b":2}'], ['{"a":1,"b":2,"x":3}', '{"a":1}']),
    ({"type": "object"}, ['{"x":1}'], []),
    ({"type": "object", "properties": {}}, ["{}"], ['{"x":1}']),
    ({"type": "array", "items": A}, ['[{"a":1}]'], ['[{"a":1,"x":2}]']),
    (BASE | {"type": "object", "properties": {"p": {"$ref": "#/$defs/A"}}}, ['{"p":{"a":1}}'], ['{"p":{"a":1,"x":2}}']),
    (BASE | {"allOf": [{"$ref": "#/$defs/A"}]}, ['{"a":1}'], ['{"a":1,"x":2}']),
    (BASE | {"allOf": [{"$ref": "#/$defs/A"}, B]}, ['{"a":1,"b":2}', '{"a":1}'], ['{"a":1,"x":2}', '{"b":1}']),
    (BASE | B | {"$ref": "#/$defs/A"}, ['{"b":2,"a":1}'], ['{"b":2,"a":1,"x":2}']),
    (BASE | {"allOf": [{"$ref": "#/$defs/A"}, B | {"additionalProperties": True}]}, ['{"a":1,"x":2}'], []),
    ({"anyOf": [A, {"type": "null"}]}, ['{"a":1}', "null"], ['{"a":1,"x":2}']),
    (A | {"anyOf": [B, {"properties": {"c": {}}}]}, ['{"a":1,"c":2}', '{"a":1,"b":2}'], ['{"a":1,"x":2}']),
    (A | {"properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["b"]}, {}]}, ['{"a":1}'], ['{"a":1,"x":2}']),
    ({"$defs": {"N": NODE}, "$ref": "#/$defs/N"}, ['{"a":1,"next":{"a":2}}'], ['{"a":1,"next":{"x":2}}']),
    ({"type": "object", "properties": {"a": {"const": {"properties": 1}}}}, ['{"a":{"properties":1}}'], ['{"x":1}']),
    ({"$ref": "#/$defs/A", "$defs": {"A": A | {"$ref": "#/$defs/A"}}}, [], []),
]


def _expressed(schema: Any, *, strict: bool) -> bool:
    """Whether a grammar can hold an answer to all of it: what is not strict is enforced without the rest."""
    return not strict or "unevaluatedProperties" not in schema


@pytest.mark.parametrize(
    ("schema", "good", "bad", "strict"),
    [(*case, strict) for case in CLOSED for strict in (True, False) if _expressed(case[0], strict=strict)],
)
def test_objects_are_closed(tokenizer: Any, schema: Any, good: list[str], bad: list[str], strict: bool) -> None:
    held = enforced(schema, strict=strict)
    spaced = [text.replace(":", ": ").replace(",", ", ") for text in (*good, *bad)]
    held = held | {"x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}}
    assert [accepts(tokenizer, held, text) for text in spaced] == [True] * len(good) + [False] * len(bad)
    assert enforced(enforced(schema, strict=strict), strict=strict) == enforced(schema, strict=strict)


def test_long_chains_of_references_are_not_followed_to_their_ends() -> None:
    chain = {f"d{number}": {"$ref": f"#/$defs/d{number + 1}"} for number in range(1500)}
    assert enforced({"$defs": chain, "$ref": "#/$defs/d0"}, strict=True)["$ref"] == "#/$defs/d0"


def test_a_schema_that_would_grow_without_bound_stays_open() -> None:
    wide: dict[str, Any] = {"properties": {f"p{number}": {} for number in range(1500)}}
    many = {f"x{number}": {"$ref": "#/$defs/wide", "properties": {"x": {}}} for number in range(1000)}
    held = enforced({"$defs": {"wide": wide}, "properties": many}, strict=True)
    assert held["additionalProperties"] is False
    assert "p0" in held["properties"]["x0"]["properties"]
    assert "additionalProperties" not in held["properties"]["x999"]
    assert len(json.dumps(held)) < 1 << 20


@pytest.mark.parametrize(
    ("parameters", "good", "bad"),
    [
        (None, ["{}"], ['{"x":1}', '"x"']),
        ({}, ["{}"], ['{"x":1}']),
        ({"properties": {"a": {"type": "integer"}}}, ['{"a":1}', "{}"], ['"x"', '{"x":1}']),
        ({"type": ["object", "null"]}, ['{"x":1}'], ["null"]),
    ],
)
def test_arguments_are_an_object(tokenizer: Any, parameters: Any, good: list[str], bad: list[str]) -> None:
    held = arguments_schema(FunctionSpec(name="f", parameters=parameters))
    assert [accepts(tokenizer, held, text) for text in (*good, *bad)] == [True] * len(good) + [False] * len(bad)
