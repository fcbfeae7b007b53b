"""What is seen, held to a form; and tools beside pictures."""

import json
from random import Random
from typing import Any

import pytest

from tests.engines.driver import Driver
from tests.engines.test_conformance_structure import DANCE, whole
from tests.engines.transformers.test_vision import WHAT, about, ask, pictures, right, shown
from tests.glyphs import glyphworld as world

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]


async def test_what_is_seen_can_be_held_to_a_form(seeing: Driver) -> None:
    picture = world.sample(Random(3))
    expression = r"(The|A|An|It|[a-z]| |\.)+"
    free = await ask(seeing, WHAT, shown(picture))
    held = await ask(seeing, WHAT, shown(picture), structured_outputs={"choice": [free.text(), "Nothing."]})
    wild = await ask(seeing, WHAT, shown(picture), structured_outputs={"choice": ["cat", "dog"]}, temperature=1.5)
    loose = await ask(seeing, WHAT, shown(picture), structured_outputs={"regex": expression})

    assert held.text() == free.text()
    assert right(picture, held)
    assert wild.text() in ("cat", "dog")
    assert wild.finishes == {0: "stop"}
    assert loose.text()


async def test_a_tool_can_be_called_about_a_picture(seeing: Driver) -> None:
    fields = about(WHAT, [shown(pictures(1)[0])])
    must: dict[str, Any] = {"tool_choice": "required", "parallel_tool_calls": False, "temperature": 0}
    answer = await seeing.ask("chat", **fields, tools=[DANCE], **must)

    [call] = whole(answer).tools.values()
    assert call.name == "dance"
    assert answer.finishes[0] in ("tool_calls", "length")  # its context is small, and a token a letter or two
    if answer.finishes[0] == "tool_calls":
        assert json.loads(call.arguments)["step"] in ("left", "right")


async def test_a_tool_may_return_a_picture(seeing: Driver) -> None:
    called = {"id": "c1", "type": "function", "function": {"name": "dance", "arguments": '{"step": "left"}'}}
    fields: dict[str, Any] = about(WHAT, [shown(pictures(1)[0])])
    [turn] = fields["messages"]
    fields["messages"] = [
        {"role": "user", "content": "Dance!"},
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "c1", "content": turn["content"]},
    ]
    answer = await seeing.ask("chat", **fields, max_tokens=4)

    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 40  # the picture's sixteen among them
