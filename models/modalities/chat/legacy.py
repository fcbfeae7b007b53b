"""OpenAI's older form of tools: ``functions``, ``function_call``, and messages of the role ``function``.

It is taken as tools, of which one is called at a time. An assistant's ``function_call`` in a history is taken as a tool
call, whichever form the rest has.
"""

from collections.abc import Sequence

from models.modalities.chat.messages import AssistantCall, Message
from models.modalities.chat.tools import FunctionName, Mode, NamedChoice, ToolChoice


def modern(messages: Sequence[Message]) -> list[Message]:
    """The messages with tool calls and their results in place of function calls and theirs.

    A call has the id by which the next message refers to it; where that has none, the place of the call is its id.
    """
    turned: list[Message] = []
    last = ""
    for place, message in enumerate(messages):
        own = f"call{place:05}"  # of 9 characters, which the templates of Mistral's models demand
        if message.function_call is not None:
            following = messages[place + 1] if place + 1 < len(messages) else message
            last = following.tool_call_id or own
            call = AssistantCall(id=last, function=message.function_call)
            change = {"function_call": None, "tool_calls": message.tool_calls or [call]}
            turned.append(message.model_copy(update=change))
        elif message.role == "function":
            turned.append(message.model_copy(update={"role": "tool", "tool_call_id": last or own}))
        else:
            turned.append(message)
    return turned


def as_choice(function_call: Mode | FunctionName | None) -> ToolChoice | None:
    """The ``tool_choice`` that says the same."""
    if isinstance(function_call, FunctionName):
        return NamedChoice(type="function", function=function_call)
    return function_call
