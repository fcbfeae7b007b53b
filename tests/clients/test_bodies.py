"""What web applications send, as their source writes it: each call is answered with all that the program reads.

The calls are in ``bodies/programs/``: a path, a body, the places in the answer that are read (``indexes``: they must be
there, and may be null), and values that decide (``needs``).
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.clients.conftest import KEY
from tests.clients.programs import HERE
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(400)]

CALLS = {
    f"{file.stem}: {call['what']}": call
    for file in sorted((HERE / "bodies" / "programs").glob("*.json"))
    for call in json.loads(file.read_text())["calls"]
}


def found(value: Any, steps: list[str]) -> Iterator[Any]:
    """The values at a place such as ``choices[].message.content``."""
    if not steps:
        yield value
        return
    step, *rest = steps
    inner = value if step == "[]" else [value[step]] if isinstance(value, dict) and step in value else []
    for one in inner or ():
        yield from found(one, rest)


def steps_of(place: str) -> list[str]:
    """``a[].b`` as ``["a", "[]", "b"]``."""
    return place.replace("[]", ".[]").split(".")


def answers(response: httpx.Response) -> list[dict[str, Any]]:
    """The answer, or the chunks of a stream."""
    if not response.headers["content-type"].startswith("text/event-stream"):
        return [response.json()]
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_answered_with_what_the_program_reads(live: Stack, name: str) -> None:
    call = CALLS[name]
    method = "POST" if "body" in call else "GET"
    headers = {"authorization": f"Bearer {KEY}"}
    response = httpx.request(method, live.url + call["path"], json=call.get("body"), headers=headers, timeout=120)
    assert response.status_code == 200, response.text
    pieces = answers(response)
    for place in call["reads"]:
        values = [one for piece in pieces for one in found(piece, steps_of(place))]
        assert any(one is not None for one in values), f"{place}: {pieces}"
    for place in call.get("indexes", []):
        assert list(found(pieces[0], steps_of(place))), f"{place}: {pieces}"
    for place, value in call.get("needs", {}).items():
        assert list(found(pieces[0], steps_of(place))) == [value]
