"""Responses while the database is locked, or goes away: an answer is not held up by its copy, nor broken."""

import contextlib
import sqlite3
import time

import openai
import pytest

from tests.e2e.conftest import StackFactory
from tests.support.servers import Postgres, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60)


def test_a_locked_database_gets_the_response_later(new_stack: StackFactory) -> None:
    stack = new_stack()
    stack.launch_echo(step_ms=1)
    with client(stack.url) as sdk, contextlib.closing(sqlite3.connect(stack.home / "headrace.db")) as writer:
        writer.isolation_level = None
        writer.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        made = sdk.responses.create(model="echo", input="a b", max_output_tokens=4)
        assert made.output_text == "a b a b"
        assert time.monotonic() - begun < 10
        with pytest.raises(openai.NotFoundError):
            sdk.responses.retrieve(made.id)
        writer.execute("ROLLBACK")

        def kept() -> bool:
            with contextlib.suppress(openai.NotFoundError):
                return sdk.responses.retrieve(made.id) == made
            return False

        assert wait_for(kept, 30)


def test_a_database_that_goes_away_breaks_no_answer_and_is_noticed_by_the_next(new_stack: StackFactory) -> None:
    postgres = Postgres()
    try:
        stack = new_stack(HEADRACE_DATABASE_URL=postgres.url())
        stack.launch_echo(step_ms=50)
        with client(stack.url) as sdk:
            stream = sdk.responses.create(model="echo", input="a b", max_output_tokens=40, stream=True)
            first = next(stream)
            postgres.stop()
            assert [*stream][-1].type == "response.incomplete"
            assert first.type == "response.created"
            for asked in (
                {"stream": False},
                {"stream": True},
                {"background": True},
                {"previous_response_id": "resp_1"},
            ):
                with pytest.raises(openai.InternalServerError) as error:
                    sdk.responses.create(model="echo", input="a b", max_output_tokens=4, **asked)
                assert (error.value.status_code, error.value.code) == (503, "database_unavailable")
            made = sdk.responses.create(model="echo", input="a b", max_output_tokens=4, store=False)
            assert made.output_text == "a b a b"
    finally:
        postgres.stop()
