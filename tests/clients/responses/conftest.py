"""One running Headrace for what OpenAI's own client does with responses, and what its tests say again and again."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from api.client import Client
from tests.e2e.stack import Stack
from tests.support.servers import wait_for

WORDS = "alpha beta gamma delta"


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server behind two keys, with an echo that is quick, one that is slow and one with a small context."""
    stack = Stack(tmp_path_factory.mktemp("responses") / "home", HEADRACE_API_KEY="one,two")
    stack.client.close()
    stack.client = Client(stack.url, "one")
    try:
        stack.start()
        stack.launch_echo(step_ms=2)
        stack.launch_echo("slow", step_ms=100, max_tokens=600)
        stack.launch_echo("small", context_length=8)
        yield stack
    finally:
        stack.close()


@pytest.fixture(scope="package")
def sdk(server: Stack) -> Iterator[openai.OpenAI]:
    """The client under the first key."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="one", max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture(scope="package")
def other(server: Stack) -> Iterator[openai.OpenAI]:
    """The client under the second key."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="two", max_retries=0, timeout=30) as client:
        yield client


def say(sdk: openai.OpenAI, input: Any = WORDS, **fields: Any) -> Response:
    """A response of six words."""
    found: Response = sdk.responses.create(**{"model": "echo", "input": input, "max_output_tokens": 6} | fields)
    return found


def kill_runners(server: Stack) -> None:
    """Kill them all at once."""
    for pid in server.pids()["runner"]:
        os.kill(pid, signal.SIGKILL)


def reaches(sdk: openai.OpenAI, id: str, *states: str) -> Response:
    """A response, once it is in one of these states."""

    def there() -> Response | None:
        seen[:] = [sdk.responses.retrieve(id)]
        return seen[0] if seen[0].status in states else None

    seen: list[Response] = []
    found: Response = wait_for(there, 30, lambda: str(seen))
    return found
