"""What of a JSON schema cannot be enforced, and what it is called."""

from typing import Any

import pytest

from models.modalities.chat import Request
from models.modalities.messages import Request as Messages
from models.modalities.responses import Request as Responses
from models.modalities.schemas import relaxed

LIST = {"type": "array", "items": {"type": "string"}}
SET = LIST | {"uniqueItems": True}
OWN = {"$id": "http://a.b/c", "items": {"$ref": "http://a.b/c"}}
TYPES = [{"type": "null"}, {"type": ["string", "array"]}]
BARE: dict[str, Any] = {"$defs": {"A": {}, "B": {}}}
TREE = {"properties": {"left": {"$ref": "#"}, "all": {"$ref": "#/$defs/a~1b"}}, "$defs": {"a/b": True}}
ONE_OF = {"oneOf": [{"type": "integer"}, {"type": "number"}]}
KINDS = [{"properties": {"kind": {"const": kind}}, "required": ["kind"]} for kind in "ab"]

LEFT_OUT: list[tuple[Any, Any, list[str]]] = [
    (True, True, []),
    (SET, LIST, ["uniqueItems"]),
    ({"properties": {"a": SET}}, {"properties": {"a": LIST}}, ["properties.a.uniqueItems"]),
    ({"anyOf": [SET, SET]}, {"anyOf": [LIST, LIST]}, ["anyOf[].uniqueItems"]),
    ({"properties": {"not": {"const": {"if": 1}}}}, {"properties": {"not": {"const": {"if": 1}}}}, []),
    ({"if": {}, "then": {}, "else": {}}, {}, ["if", "then", "else"]),
    ({"not": {}, "dependentRequired": {"a": ["b"]}}, {}, ["not", "dependentRequired"]),
    ({"uniqueItems": False, "then": {}}, {}, []),
    ({"type": "any", "title": "A"}, {"title": "A"}, ["type"]),
    ({"type": ["string", "file"]}, {}, ["type"]),
    ({"type": 5}, {"type": 5}, []),
    ({"$ref": "http://a.b/c.json"}, {}, ["$ref"]),
    (OWN, OWN, []),
    ({"properties": {"a": {"$ref": "#/$defs/NOPE"}}}, {"properties": {"a": {}}}, ["properties.a.$ref"]),
    ({"$ref": "#"}, {}, ["$ref"]),
    ({"$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}}, BARE, ["$defs.A.$ref", "$defs.B.$ref"]),
    (TREE, TREE, []),
    ({"pattern": "("}, {}, ["pattern"]),
    ({"type": "string", "format": "password"}, {"type": "string"}, ["format"]),
    ({"type": "number", "format": "double"}, {"type": "number"}, []),
    ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}, []),
    ({"patternProperties": {"(?=a)": {}, "b": {}}}, {"patternProperties": {"b": {}}}, ["patternProperties"]),
    ({"properties": {"a": {}}, "maxProperties": 1}, {"properties": {"a": {}}}, ["maxProperties"]),
    ({"minProperties": 1}, {"minProperties": 1}, []),
    (ONE_OF, {"anyOf": ONE_OF["oneOf"]}, ["oneOf"]),
    ({"oneOf": KINDS}, {"anyOf": KINDS}, []),
    ({"oneOf": KINDS, "anyOf": [{}]}, {"anyOf": [{}], "allOf": [{"anyOf": KINDS}]}, []),
    ({"oneOf": TYPES}, {"anyOf": TYPES}, []),
    ({"unevaluatedProperties": False}, {"additionalProperties": False}, []),
    ({"unevaluatedProperties": False, "allOf": []}, {"allOf": []}, ["unevaluatedProperties"]),
    (
        {"unevaluatedProperties": SET, "allOf": []},
        {"allOf": [], "additionalProperties": True},
        ["unevaluatedProperties"],
    ),
]


@pytest.mark.parametrize(("schema", "kept", "named"), LEFT_OUT)
def test_what_cannot_be_enforced_is_left_out_and_named(schema: Any, kept: Any, named: list[str]) -> None:
    found = relaxed(schema)
    assert found.schema == kept
    assert list(found.left_out) == named


FOLLOWED = [
    "a",
    "^a$",
    "(^a|b$)",
    r"[^$(?=\]]",
    r"\^\$\(\?=",
    r"\u{1F600}\/\x{41}\PL",
    "[[a]--b]",
    r"\p{L}\d\w\s\.",
    "(?i)a",
    "(?:^a)",
    "(?<n>a)",
    "[]a]",
    "",
]
NOT_FOLLOWED = ["(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", r"(a)\1", r"\bfoo", "a^b", "a$b", "(?>a)", r"a\Z", r"\cA"]
NOT_FOLLOWED += ["(", "a{2,1}"]


@pytest.mark.parametrize("pattern", FOLLOWED + NOT_FOLLOWED)
def test_expressions_with_look_around_are_left_out(pattern: str) -> None:
    assert bool(relaxed({"pattern": pattern}).left_out) == (pattern in NOT_FOLLOWED)


@pytest.mark.parametrize("pattern", ["[" * 60_000, "(" * 60_000, "\\" * 60_001, "(?:" * 20_000, "$" * 60_000])
def test_long_expressions_are_looked_at_once(pattern: str) -> None:
    relaxed({"pattern": pattern})  # what is looked at again from each character takes minutes


TOOL = {"name": "f", "parameters": {"type": "object", "properties": {"a": SET}}}
FORCED = {"tools": [{"type": "function", "function": TOOL}], "tool_choice": "required"}
STRICT = {"tools": [{"type": "function", "function": TOOL | {"strict": True}}], "tool_choice": "required"}
CHAT: list[tuple[dict[str, Any], list[str]]] = [
    ({"response_format": {"type": "json_object", "schema": SET}}, ["response_format.schema.uniqueItems"]),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": SET}}},
        ["response_format.json_schema.schema.uniqueItems"],
    ),
    ({"response_format": {"type": "json_schema", "json_schema": {"schema": SET, "strict": True}}}, []),
    ({"structured_outputs": {"json": SET}}, []),
    (FORCED, ["tools[].function.parameters.properties.a.uniqueItems"]),
    (FORCED | {"tool_choice": "auto"}, []),
    (FORCED | {"tool_choice": "none"}, []),
    (
        FORCED | {"tool_choice": "auto", "response_format": {"type": "json_object"}},
        ["tools[].function.parameters.properties.a.uniqueItems"],
    ),
    (STRICT, []),
    ({"functions": [TOOL], "function_call": {"name": "f"}}, ["functions[].parameters.properties.a.uniqueItems"]),
]


@pytest.mark.parametrize(("fields", "named"), CHAT)
def test_a_chat_names_what_it_cannot_hold_an_answer_to(fields: dict[str, Any], named: list[str]) -> None:
    request = Request.model_validate({"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields})
    assert list(request.unenforced) == named


def test_other_protocols_name_it_as_their_clients_wrote_it() -> None:
    function = {"type": "function", **TOOL}
    form = {"format": {"type": "json_schema", "name": "x", "schema": SET}}
    response = {"model": "m", "input": "hi", "tools": [function], "tool_choice": "required", "text": form}
    assert Responses.model_validate(response).unenforced == (
        "text.format.schema.uniqueItems",
        "tools[].parameters.properties.a.uniqueItems",
    )
    message = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]}
    message |= {"tools": [{"name": "f", "input_schema": TOOL["parameters"]}], "tool_choice": {"type": "any"}}
    asked = Messages.model_validate(message | {"output_format": {"type": "json_schema", "schema": SET}})
    assert asked.unenforced == (
        "output_format.schema.uniqueItems",
        "tools[].input_schema.properties.a.uniqueItems",
    )
