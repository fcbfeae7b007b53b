"""Messages and tools as the dictionaries that chat templates read, whichever library renders the template."""

from collections.abc import Callable
from typing import Any

from models.modalities.chat.messages import Message
from models.modalities.chat.tools import Tool


def turn_of(message: Message, content: Any, arguments: Callable[[str], Any] = str) -> dict[str, Any]:
    """A message with this ``content``: text, or parts. ``arguments`` converts a call's JSON for the template."""
    turn: dict[str, Any] = {"role": message.template_role, "content": content}
    if message.name:
        turn["name"] = message.name
    if message.thought:
        turn["reasoning_content"] = message.thought
    if message.tool_calls:
        turn["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": arguments(call.function.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        turn["tool_call_id"] = message.tool_call_id
    return turn


def tool_of(tool: Tool) -> dict[str, Any]:
    """A tool, whose arguments are an object. Without parameters, the object has no properties."""
    function = tool.function
    return function_of(
        function.name, function.description or "", function.parameters or {"type": "object", "properties": {}}
    )


def function_of(name: str, description: str, parameters: Any) -> dict[str, Any]:
    """A tool that is a function. ``parameters`` is the schema of its arguments."""
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}
