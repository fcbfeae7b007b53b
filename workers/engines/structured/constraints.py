"""What an answer is held to, as a grammar: the form it is asked to have, the calls it must make, its thoughts before.

Pure: everything of a client's goes into the grammar's parts, as text.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.errors import InvalidRequest
from models.modalities.chat.tools import FunctionSpec, Tool
from models.modalities.structure import Constraint
from workers.engines.structured.grammar_wire import Grammar, Part
from workers.engines.text.answers import Tags, Thinking
from workers.engines.text.tool_formats import ToolFormat

_FORMATS = frozenset(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"])
"""Of strings, those that can be enforced. Others are annotations, as JSON Schema has it."""
_DATA = frozenset(["const", "enum", "default", "examples"])
_SPACE = r"( |\r?\n[ \t]{0,20})"
"""Between the tokens of JSON: what is usual, and bounded, for a small model may get lost in it."""


@dataclass(frozen=True, slots=True)
class Constrained:
    """A grammar, and the field of the request that asked for it."""

    grammar: Grammar
    param: str


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls that an answer may make. ``parallel``: more than one; ``must``: at least one, and nothing else."""

    form: ToolFormat
    tools: list[Tool]
    must: bool
    parallel: bool

    @property
    def strict(self) -> bool:
        """Whether the arguments of some function are to be held to its schema even where the model calls by itself."""
        return any(tool.function.strict for tool in self.tools)


def held(
    constraint: Constraint | None,
    calls: Calls | None,
    tags: Tags | None,
    thinking: Thinking,
    ids: Mapping[str, int],
) -> Constrained | None:
    """The grammar of an answer; None: it is free. ``ids`` are those of texts that are tokens of their own.

    Raises InvalidRequest for a form that the model's way of writing calls cannot be told from.
    """
    if calls is not None and not (calls.must or calls.strict or constraint is not None):
        calls = None
    if calls is not None and calls.must:
        constraint = None
    if calls is None and constraint is None:
        return None
    if calls is not None and constraint is not None and not calls.form.trigger:
        raise InvalidRequest("this model cannot be given both tools and a form for its answer", param=constraint.param)
    parts: list[Part] = []
    rules = [r"TEXT: /(.|\n)*/", r"SPACE: /[ \t\r\n]{1,8}/"]
    answer = _form(constraint, parts) if constraint is not None else ""
    if calls is not None:
        answer = _calls(calls, answer, ids, rules, parts)
    lead = _thoughts(tags, thinking, ids, rules) if tags is not None else ""
    lark = "\n".join([f"start: {lead} answer", f"answer: {answer}", *rules])
    return Constrained(Grammar(lark, tuple(parts)), constraint.param if constraint is not None else "tools")


def _form(constraint: Constraint, parts: list[Part]) -> str:
    """What derives the answers of this form."""
    value: Any = constraint.value
    if constraint.kind == "choice":
        return " | ".join(_quoted(one) for one in value)
    if constraint.kind == "json_object":
        parts.append(Part("form", "json", _schema({"type": "object"})))
    elif constraint.kind == "json":
        parts.append(Part("form", "json", _schema(value)))
    else:
        parts.append(Part("form", constraint.kind, value))
    return "@form"


def _calls(calls: Calls, other: str, ids: Mapping[str, int], rules: list[str], parts: list[Part]) -> str:
    """What derives answers with tool calls; ``other``: what else the answer may be, if it has a form."""
    form = calls.form
    rules.append(f"call: {_quoted(form.lead)} function {_tag(form.end, ids)}")
    functions = [_function(number, tool.function, form, ids, parts) for number, tool in enumerate(calls.tools)]
    rules.append(f"function: {' | '.join(functions)}")
    more = f"({_quoted(form.separator)} call)*" if calls.parallel else ""
    rules.append(f'group: "[" call {more} "]"' if form.listed else "group: call")
    trigger = _tag(form.trigger, ids)
    again = f"({_quoted(form.separator)} {trigger} group)*" if calls.parallel and form.repeats else ""
    rules.append(f"calls: {trigger} group {again}")
    if calls.must:
        return "calls"
    if other:
        return f"calls | {other}"
    if not form.trigger:
        rules.append(r"OTHER: /([^{](.|\n)*)?/")
        return "calls | OTHER"
    rules.append(rf"begun[lazy]: /(.|\n)*{_escaped(form.trigger)}/")
    token = f" | TEXT <[{ids[form.trigger]}]>" if form.trigger in ids else ""
    return f"((begun{token}) group){'*' if form.repeats else '?'} TEXT"


def _function(number: int, function: FunctionSpec, form: ToolFormat, ids: Mapping[str, int], parts: list[Part]) -> str:
    schema = {"type": "object"} if function.parameters is None else function.parameters
    parts.append(Part(f"arguments_{number}", "json", _schema(schema, lenient=not function.strict)))
    name = _quoted(function.name + form.middle) if form.keys else f"{_quoted(function.name)} {_tag(form.middle, ids)}"
    return f"{name} @arguments_{number} {_quoted(form.tail)}"


def _thoughts(tags: Tags, thinking: Thinking, ids: Mapping[str, int], rules: list[str]) -> str:
    """What derives the thoughts before an answer."""
    if thinking == "over":
        return ""
    rules.append(rf"thought[lazy]: /(.|\n)*{_escaped(tags.end)}/")
    token = f" | TEXT <[{ids[tags.end]}]>" if tags.end in ids else ""
    rules.append(f"thoughts: (thought{token}) SPACE?")
    return "thoughts" if thinking == "open" else f"({_tag(tags.begin, ids)} thoughts)?"


def _tag(text: str, ids: Mapping[str, int]) -> str:
    """A text that may be a token of its own: spelled out it is taken as well."""
    return f"(<[{ids[text]}]> | {_quoted(text)})" if text in ids else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if text else ""


def _escaped(text: str) -> str:
    return re.escape(text).replace("/", r"\/")


def _schema(schema: Any, lenient: bool = False) -> str:
    """A JSON schema as text, with how its answers are to be spelled. ``lenient``: what cannot be enforced is left."""
    how: dict[str, Any] = {"whitespace_pattern": _SPACE} | ({"lenient": True} if lenient else {})
    if schema is True:
        schema = {}
    if isinstance(schema, dict):
        schema = _enforceable(schema) | {"x-guidance": how}
    return json.dumps(schema)


def _enforceable(schema: Any) -> Any:
    """The schema without the formats that are mere annotations."""
    if isinstance(schema, list):
        return [_enforceable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value if key in _DATA else _enforceable(value)
        for key, value in schema.items()
        if not (key == "format" and isinstance(value, str) and value not in _FORMATS)
    }
