"""From a conversation to a prompt, by the model's own chat template. Where that cannot describe tools, it is done here.

A template that knows of no tools gets them described in the system's turn, and calls and their results as text in the
format that Hermes and Qwen were trained on. A model that was not trained on it can still be constrained to it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from models.errors import InvalidRequest
from models.launching.chat_templates import REASONING_FORMATS, Tags, describes_tools, tags_of
from models.modalities import chat
from models.modalities.chat.messages import Message
from models.modalities.chat.tools import Tool
from workers.engines.text.calls.formats import HERMES, TOOL_FORMATS, CallFormat, NamedFormat, ToolFormat
from workers.engines.text.calls.table import CALL_FORMATS, format_of
from workers.engines.text.channels import CHANNEL_MARKS
from workers.engines.text.templating import tool_of, turn_of
from workers.engines.text.thoughts import Thinking, thinking_of

_RESERVED = frozenset(
    [
        *("chat_template", "tokenize", "return_dict", "return_tensors", "add_generation_prompt"),
        *("continue_final_message", "conversation", "messages", "padding", "truncation", "max_length", "tools"),
        *("sanitize_control_tokens", "return_assistant_tokens_mask", "processor_kwargs", "load_audio_from_video"),
    ]
)
_TOOLS = """You can call these functions:
<tools>
{tools}
</tools>
To call one, write its name and its arguments as JSON between these tags:
{examples}
What it returns will be given to you between <tool_response> and </tool_response>."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a model writes tool calls and thoughts. ``taught``: its template describes tools, calls and results to it.

    ``tools`` is the format for calls that are demanded, and for models whose template describes none; ``own`` the one
    that a template teaches, where that is another. ``system``: the template takes a turn of the system. ``placed``: it
    looks for the tools in that turn. ``nine``: it wants ids of calls that have nine letters or digits. ``texts``: it
    takes the arguments of calls as JSON text, not as objects. ``thinking``: it takes an assistant's thoughts under that
    name, where the assistant called a function.
    """

    tools: ToolFormat
    tags: Tags | None
    taught: bool
    own: CallFormat | None = None
    system: bool = True
    placed: bool = False
    nine: bool = False
    texts: bool = False
    thinking: bool = False

    @property
    def written(self) -> CallFormat:
        """How the model writes calls when it is free to."""
        return self.own or self.tools

    @property
    def marks(self) -> tuple[str, ...]:
        """The texts that are, or hold, special tokens that must not be hidden when an answer is decoded."""
        tags = self.tags
        thoughts = (*tags.marks, *CHANNEL_MARKS.get(tags.channels, ())) if tags else ()
        return tuple(text for text in (*self.tools.tags, *self.written.tags, *thoughts) if text)

    def under(self, request: chat.Request) -> "Dialect":
        """The dialect in which this request is answered.

        A grammar follows only formats that can be written, so where there is one the model is taught such a format.
        """
        strict = any(tool.function.strict for tool in request.callable_tools)
        return self.writable if request.must_call or strict or request.constraint is not None else self

    @property
    def writable(self) -> "Dialect":
        """The dialect in which the model is taught a format that can be written, where its own cannot be."""
        return self if self.own is None else replace(self, own=None, taught=False, placed=False)


def dialect_of(template: Any, tool_format: str = "auto", reasoning_format: str = "auto") -> Dialect:
    """The dialect of a chat template, which is a text, or several by name. The formats are the launch's options."""
    text = "\n".join(template.values()) if isinstance(template, dict) else template or ""
    known = format_of(text) if tool_format == "auto" else CALL_FORMATS[tool_format]
    tags = tags_of(text) if reasoning_format == "auto" else REASONING_FORMATS.get(reasoning_format)
    taught = known is not None and describes_tools(text)
    written = known if isinstance(known, ToolFormat) and known.name in TOOL_FORMATS else None
    return Dialect(
        written or HERMES,
        tags,
        taught,
        own=known if taught and written is None else None,
        placed=taught and "<|/tool|>" in text,
        nine="length == 9" in text or "length != 9" in text,
        thinking="message.thinking" in text,
    )


_Render = Callable[[list[dict[str, Any]]], str]
"""What makes a prompt of messages. It may raise anything."""


def probed(dialect: Dialect, render: _Render) -> Dialect:
    """The dialect with what a template shows only when it is tried: ``system`` and ``texts``."""
    texts = not _renders_call(render, {"part": "west"}) and _renders_call(render, '{"part": "west"}')
    return replace(dialect, system=takes_system(render), texts=texts)


def _renders_call(render: _Render, arguments: Any) -> bool:
    function = {"name": "look", "arguments": arguments}
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "0" * 9, "type": "function", "function": function}]},
        {"role": "tool", "content": "a tree", "name": "look", "tool_call_id": "0" * 9},
    ]
    return _rendered(render, turns) is not None


def _rendered(render: _Render, turns: list[dict[str, Any]]) -> str | None:
    """The prompt; None where the template refuses these turns."""
    try:
        return render(turns)
    except Exception:  # noqa: BLE001
        return None


def takes_system(render: _Render) -> bool:
    """Whether a template takes a turn of the system."""
    user, system = ({"role": role, "content": f"said by the {role}"} for role in ("user", "system"))
    if user["content"] not in (_rendered(render, [user]) or ""):  # it takes other contents than texts: no refusal
        return True
    return system["content"] in (_rendered(render, [system, user]) or "")


def template_extras(request: chat.Request) -> dict[str, Any]:
    """The client's arguments for the template. Raises InvalidRequest for those that the engine sets itself."""
    extra = request.template_kwargs
    if extra.keys() & _RESERVED:
        names = ", ".join(sorted(extra.keys() & _RESERVED))
        raise InvalidRequest(f"'chat_template_kwargs' may not set {names}", param="chat_template_kwargs")
    return extra


def template_options(request: chat.Request, dialect: Dialect, *, opens: bool = True) -> dict[str, Any]:
    """The template's arguments beside the turns. ``opens``: the prompt is to end where the assistant's turn begins.

    Raises InvalidRequest.
    """
    extra = template_extras(request)
    goes_on, dialect = request.continue_final_message, dialect.under(request)
    tools = [tool_of(tool) for tool in request.callable_tools] if dialect.taught else []
    return {
        "tools": tools or None,
        "add_generation_prompt": opens and not goes_on,
        "continue_final_message": goes_on,
        **extra,
    }


def beginning(request: chat.Request, prompt: str, dialect: Dialect) -> Thinking:
    """Where the answer to this prompt begins."""
    if dialect.tags is None:
        return "over"
    if not request.continue_final_message:
        return thinking_of(prompt, dialect.tags)
    begun = request.messages[-1].text
    if begun.rfind(dialect.tags.begin) > begun.rfind(dialect.tags.end):
        return "open"
    return "over" if begun.strip() else thinking_of("", dialect.tags)


def _text(message: Message) -> Any:
    return message.text


def template_messages(
    request: chat.Request, dialect: Dialect, content: Callable[[Message], Any] = _text
) -> list[dict[str, Any]]:
    """The messages as transformers' templates take them. ``content`` makes the content of each: text, or parts."""
    dialect = dialect.under(request)
    names = {call.id: call.function.name for message in request.messages for call in message.tool_calls or []}
    given = [_turn(message, names, content, dialect) for message in request.messages]
    if dialect.taught:
        _rename_ids(given, dialect)
        if dialect.placed and request.callable_tools:
            _place_tools(given, request.callable_tools)
        return given
    turns: list[dict[str, Any]] = []
    for turn in given:
        if turn["role"] == "tool":
            _append_result(turns, turn["content"])
        else:
            calls = [_written(dialect.tools, call["function"]) for call in turn.pop("tool_calls", [])]
            turn["content"] = _joined(turn["content"], *calls) if calls else turn["content"]
            turns.append(turn)
    if request.callable_tools:
        _describe_tools(turns, request.callable_tools, dialect)
    return turns


def _turn(
    message: Message, names: Mapping[str, str], content: Callable[[Message], Any], dialect: Dialect
) -> dict[str, Any]:
    turn = turn_of(message, content(message), str if dialect.texts and dialect.taught else _object)
    if message.tool_call_id is not None:
        turn.setdefault("name", names.get(message.tool_call_id, ""))
    if dialect.thinking and message.tool_calls and message.thought and not turn["content"]:
        turn["thinking"] = message.thought
    return turn


def _append_result(turns: list[dict[str, Any]], content: Any) -> None:
    """Append a tool's result as a turn of the user. Results that follow each other share one turn.

    Many templates require that the turns of user and assistant alternate.
    """
    result = _joined("<tool_response>", content, "</tool_response>")
    if turns and turns[-1]["role"] == "user" and turns[-1].get("result"):
        turns[-1]["content"] = _joined(turns[-1]["content"], result)
    else:
        turns.append({"role": "user", "content": result, "result": True})


def _rename_ids(turns: list[dict[str, Any]], dialect: Dialect) -> None:
    """Give calls and their results such ids as the template wants."""
    numbered = isinstance(dialect.own, NamedFormat) and dialect.own.numbered
    if not (numbered or dialect.nine):
        return
    ids: dict[str, str] = {}
    for turn in turns:
        for call in turn.get("tool_calls", []):
            number = len(ids)
            ids[call["id"]] = f"functions.{call['function']['name']}:{number}" if numbered else f"{number:09d}"
            call["id"] = ids[call["id"]]
        if "tool_call_id" in turn:
            turn["tool_call_id"] = ids.get(turn["tool_call_id"], turn["tool_call_id"])


def _place_tools(turns: list[dict[str, Any]], tools: Sequence[Tool]) -> None:
    """Put the tools into the system's turn, where the template looks for them."""
    if turns[0]["role"] != "system":
        turns.insert(0, {"role": "system", "content": ""})
    turns[0]["tools"] = json.dumps([tool_of(tool)["function"] for tool in tools], ensure_ascii=False)


def _describe_tools(turns: list[dict[str, Any]], tools: Sequence[Tool], dialect: Dialect) -> None:
    tool_format = dialect.tools
    taking = {tool.function.takes_arguments for tool in tools}
    arguments = [text for takes, text in ((True, '{"ARGUMENT": "VALUE"}'), (False, "{}")) if takes in taking]
    examples = [_written(tool_format, {"name": "NAME", "arguments": text}) for text in arguments]
    listed = "\n".join(json.dumps(tool_of(tool), ensure_ascii=False) for tool in tools)
    text = _TOOLS.format(tools=listed, examples="\nor, where it has no parameters:\n".join(examples))
    if turns[0]["role"] == "system":
        turns[0]["content"] = _joined(turns[0]["content"], f"\n{text}")
    elif not dialect.system and turns[0]["role"] == "user":
        turns[0]["content"] = _joined(f"{text}\n", turns[0]["content"])
    else:
        parts = [{"type": "text", "text": text}]
        turns.insert(0, {"role": "system", "content": parts if isinstance(turns[0]["content"], list) else text})


def _joined(*contents: Any) -> Any:
    """The contents, each on a line of its own: as text, or as parts where any of them has parts."""
    shown = [content for content in contents if content]
    if all(isinstance(content, str) for content in shown):
        return "\n".join(shown)
    parts = ([{"type": "text", "text": f"{content}\n"}] if isinstance(content, str) else content for content in shown)
    return [part for some in parts for part in some]


def _written(tool_format: ToolFormat, function: Mapping[str, Any]) -> str:
    given = function["arguments"]
    arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    call = f"{tool_format.lead}{function['name']}{tool_format.middle}{arguments}{tool_format.tail}"
    return f"{tool_format.trigger}{call}{tool_format.end}"


def _object(arguments: str) -> Any:
    """Arguments as an object, as templates expect them; unchanged where what the model wrote is no object."""
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    return value if isinstance(value, dict) else arguments
