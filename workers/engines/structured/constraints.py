"""Makes the grammar of an answer, from the structure that is asked for, the calls it must make, and its thoughts.

Pure. Everything that comes from a client goes into the grammar's parts, as text.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.errors import InvalidRequest
from models.launching.chat_templates import Tags
from models.modalities.chat.tools import FunctionSpec, Tool
from models.modalities.schemas import DATA, FORMATS
from models.modalities.structure import Constraint
from workers.engines.structured.grammar_wire import Grammar, Part
from workers.engines.structured.schemas import arguments_schema, enforced
from workers.engines.text.calls.formats import ToolFormat
from workers.engines.text.thoughts import Thinking

MOST_CALLS = 8
"""Most calls of an answer that must be calls: a small model does not stop by itself. It may ask on in the next turn."""
_SPACE = r"( |\r?\n[ \t]{0,20})"
"""The white space that is allowed between the tokens of JSON. It is bounded: a small model may write nothing else."""


@dataclass(frozen=True, slots=True)
class Constrained:
    """A grammar, and the field of the request that asked for it."""

    grammar: Grammar
    param: str


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls that an answer may make. ``parallel``: more than one; ``must``: at least one, and nothing else."""

    tool_format: ToolFormat
    tools: list[Tool]
    must: bool
    parallel: bool

    @property
    def strict(self) -> bool:
        """Whether some function is strict: its arguments must follow its schema even where a call is not demanded."""
        return any(tool.function.strict for tool in self.tools)


def constrain(
    constraint: Constraint | None,
    calls: Calls | None,
    tags: Tags | None,
    thinking: Thinking,
    ids: Mapping[str, int],
) -> Constrained | None:
    """The grammar of an answer; None: it is not constrained. ``ids``: the token ids of texts that are special tokens.

    Raises InvalidRequest for a structure that cannot be told apart from the way in which the model writes calls.
    """
    if calls is not None and not (calls.must or calls.strict or constraint is not None):
        calls = None
    if calls is not None and calls.must:
        constraint = None
    if calls is None and constraint is None:
        return None
    if calls is not None and constraint is not None and not calls.tool_format.trigger:
        raise InvalidRequest("this model cannot be given both tools and a form for its answer", param=constraint.param)
    parts: list[Part] = []
    rules = [r"TEXT: /(.|\n)*/", r"SPACE: /[ \t\r\n]{1,8}/"]
    answer = _structure(constraint, parts) if constraint is not None else ""
    if calls is not None:
        answer = _calls(calls, answer, ids, rules, parts)
    lead = _thoughts(tags, thinking, ids, rules) if tags is not None else ""
    lark = "\n".join([f"start: {lead} answer", f"answer: {answer}", *rules])
    return Constrained(Grammar(lark, tuple(parts)), constraint.param if constraint is not None else "tools")


def _structure(constraint: Constraint, parts: list[Part]) -> str:
    """The rule that derives the answers of the structure asked for."""
    value: Any = constraint.value
    if constraint.kind == "choice":
        return " | ".join(_quoted(option) for option in value)
    if constraint.kind == "json_object":
        parts.append(Part("form", "json", _schema({"type": "object"})))
    elif constraint.kind == "json":
        parts.append(Part("form", "json", _schema(enforced(value, strict=constraint.strict))))
    else:
        parts.append(Part("form", constraint.kind, value))
    return "@form"


def _calls(calls: Calls, other: str, ids: Mapping[str, int], rules: list[str], parts: list[Part]) -> str:
    """The rule that derives answers with tool calls. ``other``: the rule of another answer that is allowed, if any."""
    written = calls.tool_format
    rules.append(f"call: {_quoted(written.lead)} function {_tag(written.end, ids)}")
    functions = [_function(number, tool.function, written, ids, parts) for number, tool in enumerate(calls.tools)]
    rules.append(f"function: {' | '.join(functions)}")
    times = f"{{0,{MOST_CALLS - 1}}}"
    more = f"({_quoted(written.separator)} call){times}" if calls.parallel else ""
    rules.append(f'group: "[" call {more} "]"' if written.listed else "group: call")
    trigger = _tag(written.trigger, ids)
    again = f"({_quoted(written.separator)} {trigger} group){times}" if calls.parallel and written.repeats else ""
    rules.append(f"calls: {trigger} group {again}")
    if calls.must:
        return "calls"
    if other:
        return f"calls | {other}"
    if not written.trigger:
        rules.append(r"OTHER: /([^{](.|\n)*)?/")
        return "calls | OTHER"
    rules.append(rf"begun[lazy]: /(.|\n)*{_escaped(written.trigger)}/")
    token = f" | TEXT <[{ids[written.trigger]}]>" if written.trigger in ids else ""
    return f"((begun{token}) group){'*' if written.repeats else '?'} TEXT"


def _function(
    number: int, function: FunctionSpec, written: ToolFormat, ids: Mapping[str, int], parts: list[Part]
) -> str:
    parts.append(Part(f"arguments_{number}", "json", _schema(arguments_schema(function))))
    if written.keys:
        name = _quoted(function.name + written.middle)
    else:
        name = f"{_quoted(function.name)} {_tag(written.middle, ids)}"
    return f"{name} @arguments_{number} {_quoted(written.tail)}"


def _thoughts(tags: Tags, thinking: Thinking, ids: Mapping[str, int], rules: list[str]) -> str:
    """The rule that derives the thoughts before an answer."""
    if thinking == "over":
        return ""
    rules.append(rf"thought[lazy]: /(.|\n)*{_escaped(tags.end)}/")
    token = f" | TEXT {_tag(tags.end, ids)}" if any(text in tags.end for text in ids) else ""
    header = f" ({_tag(tags.header, ids)})?" if tags.header else ""
    rules.append(f"thoughts: (thought{token}) SPACE?{header}")
    return "thoughts" if thinking == "open" else f"({_tag(tags.begin, ids)} thoughts)?"


def _tag(text: str, ids: Mapping[str, int]) -> str:
    """The rule for a text that may hold special tokens: each token is allowed, and so are its text's characters."""
    found = [one for one in re.split(f"({'|'.join(map(re.escape, ids))})", text) if one] if ids else [text]
    return " ".join(f"(<[{ids[one]}]> | {_quoted(one)})" if one in ids else _quoted(one) for one in found)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if text else ""


def _escaped(text: str) -> str:
    return re.escape(text).replace("/", r"\/")


def _schema(schema: Any) -> str:
    """A JSON schema as text, with the white space that is allowed."""
    if schema is True:
        schema = {}
    if isinstance(schema, dict):
        schema = _without_annotations(schema) | {"x-guidance": {"whitespace_pattern": _SPACE}}
    return json.dumps(schema)


def _without_annotations(schema: Any) -> Any:
    """The schema without the formats that are mere annotations."""
    if isinstance(schema, list):
        return [_without_annotations(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value if key in DATA else _without_annotations(value)
        for key, value in schema.items()
        if not (key == "format" and isinstance(value, str) and value not in FORMATS)
    }
