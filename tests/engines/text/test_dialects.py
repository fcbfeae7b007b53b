"""What a model is taught whose template knows of no tools."""

from typing import Any

import pytest

from models.modalities.chat import Request
from workers.engines.text.dialects import Dialect, template_messages
from workers.engines.text.tool_formats import HERMES

TAKING = {"name": "get", "parameters": {"type": "object", "properties": {"city": {}}}}
BARE: list[dict[str, Any]] = [
    {"name": "now"},
    {"name": "now", "parameters": {}},
    {"name": "now", "parameters": {"type": "object", "properties": {}}},
]
ANY = {"name": "any", "parameters": {"type": "object"}}


@pytest.mark.parametrize(
    ("functions", "argument", "none"),
    [([TAKING], True, False), ([ANY], True, False), ([TAKING, BARE[0]], True, True)]
    + [([one], False, True) for one in BARE],
)
def test_arguments_are_taught_for_functions_that_have_parameters(
    functions: list[Any], argument: bool, none: bool
) -> None:
    tools = [{"type": "function", "function": one} for one in functions]
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": tools}
    [system, _] = template_messages(Request.model_validate(asked), Dialect(HERMES, None, taught=False))
    assert ('{"ARGUMENT": "VALUE"}' in system["content"]) == argument
    assert ('{"name": "NAME", "arguments": {}}' in system["content"]) == none
