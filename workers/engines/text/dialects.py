"""From a conversation to a prompt, in the words of the model's own chat template, or in ours where it has none for it.

A template that knows of no tools gets them in the system's turn, calls and their results as text in the form that
Hermes and Qwen were trained on: a model that never saw it can still be held to it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.errors import InvalidRequest
from models.modalities import chat
from models.modalities.chat.messages import Message
from models.modalities.chat.tools import Tool
from workers.engines.text.answers import REASONING_FORMATS, Tags, Thinking, tags_of, thinking_of
from workers.engines.text.templating import tool_of, turn_of
from workers.engines.text.tool_formats import HERMES, TOOL_FORMATS, ToolFormat, format_of

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
{example}
What it returns will be given to you between <tool_response> and </tool_response>."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a model writes tool calls and thoughts. ``taught``: its template tells it of tools, calls and results."""

    tools: ToolFormat
    tags: Tags | None
    taught: bool

    @property
    def marks(self) -> tuple[str, ...]:
        """The texts that may be special tokens, and must be seen."""
        return (*self.tools.tags, *((self.tags.begin, self.tags.end) if self.tags else ()))


def dialect_of(template: Any, tool_format: str = "auto", reasoning_format: str = "auto") -> Dialect:
    """The dialect of a chat template: a text, or several by name. The formats are those of the launch."""
    text = "\n".join(template.values()) if isinstance(template, dict) else template or ""
    found = format_of(text) if tool_format == "auto" else TOOL_FORMATS[tool_format]
    tags = tags_of(text) if reasoning_format == "auto" else REASONING_FORMATS.get(reasoning_format)
    return Dialect(found or HERMES, tags, found is not None and "tools" in text)


def template_extras(request: chat.Request) -> dict[str, Any]:
    """What the client has for the template. Raises InvalidRequest for what is the engine's to say."""
    extra = request.template_kwargs
    if extra.keys() & _RESERVED:
        names = ", ".join(sorted(extra.keys() & _RESERVED))
        raise InvalidRequest(f"'chat_template_kwargs' may not set {names}", param="chat_template_kwargs")
    return extra


def template_options(request: chat.Request, dialect: Dialect, *, opens: bool = True) -> dict[str, Any]:
    """What the template gets beside the turns. ``opens``: the prompt is to end where the assistant's turn begins.

    Raises InvalidRequest.
    """
    extra = template_extras(request)
    goes_on = request.continue_final_message
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
    said = request.messages[-1].text
    if said.rfind(dialect.tags.begin) > said.rfind(dialect.tags.end):
        return "open"
    return "over" if said.strip() else "possible"


def _text(message: Message) -> Any:
    return message.text


def template_messages(
    request: chat.Request, dialect: Dialect, content: Callable[[Message], Any] = _text
) -> list[dict[str, Any]]:
    """The messages in the shape of transformers' templates. ``content`` makes what a message's is: text, or parts."""
    names = {call.id: call.function.name for message in request.messages for call in message.tool_calls or []}
    found = [_turn(message, names, content) for message in request.messages]
    if dialect.taught:
        return found
    said: list[dict[str, Any]] = []
    for turn in found:
        if turn["role"] == "tool":
            _append_result(said, turn["content"])
        else:
            calls = [_written(dialect.tools, call["function"]) for call in turn.pop("tool_calls", [])]
            turn["content"] = _joined(turn["content"], *calls) if calls else turn["content"]
            said.append(turn)
    if request.callable_tools:
        _introduce(said, request.callable_tools, dialect.tools)
    return said


def _turn(message: Message, names: Mapping[str, str], content: Callable[[Message], Any]) -> dict[str, Any]:
    turn = turn_of(message, content(message), _object)
    if message.tool_call_id is not None:
        turn.setdefault("name", names.get(message.tool_call_id, ""))
    return turn


def _append_result(said: list[dict[str, Any]], content: Any) -> None:
    """A tool's result as a turn of the user's. Results in a row share one: many templates want turns to alternate."""
    result = _joined("<tool_response>", content, "</tool_response>")
    if said and said[-1]["role"] == "user" and said[-1].get("result"):
        said[-1]["content"] = _joined(said[-1]["content"], result)
    else:
        said.append({"role": "user", "content": result, "result": True})


def _introduce(said: list[dict[str, Any]], tools: Sequence[Tool], form: ToolFormat) -> None:
    example = f'{form.trigger}{form.lead}NAME{form.middle}{{"ARGUMENT": "VALUE"}}{form.tail}{form.end}'
    listed = "\n".join(json.dumps(tool_of(tool), ensure_ascii=False) for tool in tools)
    text = _TOOLS.format(tools=listed, example=example)
    if said[0]["role"] == "system":
        said[0]["content"] = _joined(said[0]["content"], f"\n{text}")
    else:
        parts = [{"type": "text", "text": text}]
        said.insert(0, {"role": "system", "content": parts if isinstance(said[0]["content"], list) else text})


def _joined(*contents: Any) -> Any:
    """Contents one below the other: text, or parts where any has parts."""
    shown = [one for one in contents if one]
    if all(isinstance(one, str) for one in shown):
        return "\n".join(shown)
    return [part for one in shown for part in ([{"type": "text", "text": f"{one}\n"}] if isinstance(one, str) else one)]


def _written(form: ToolFormat, function: Mapping[str, Any]) -> str:
    given = function["arguments"]
    arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return f"{form.trigger}{form.lead}{function['name']}{form.middle}{arguments}{form.tail}{form.end}"


def _object(arguments: str) -> Any:
    """Arguments as an object, which templates can go through; as they are where a model wrote what is none."""
    try:
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    return found if isinstance(found, dict) else arguments
