"""OpenAI's own client, as it comes, against a live server: responses that are made in the background."""

import json
import os
import signal
import time
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from tests.clients.responses.conftest import WORDS, kill_runners, reaches, say
from tests.e2e.stack import Stack
from tests.support.servers import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_it_is_made_in_the_background(sdk: openai.OpenAI) -> None:
    before = say(sdk, "one two")
    made = say(sdk, "three", background=True, previous_response_id=before.id)
    assert (made.status, made.background) == ("queued", True)
    done = reaches(sdk, made.id, "incomplete")
    assert done.output_text.startswith("three three")
    assert done.usage is not None
    assert done.usage.input_tokens == 2 + 6 + 1
    assert len(list(sdk.responses.input_items.list(made.id))) == 3
    after = say(sdk, "four", previous_response_id=made.id)
    assert after.usage is not None
    assert after.usage.input_tokens == 2 + 6 + 1 + 6 + 1
    assert sdk.responses.cancel(made.id) == done
    sdk.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(made.id)


def test_it_is_cancelled_in_the_background(sdk: openai.OpenAI) -> None:
    made = say(sdk, model="slow", background=True, max_output_tokens=600)
    reaches(sdk, made.id, "in_progress")
    with pytest.raises(openai.ConflictError):
        sdk.responses.delete(made.id)
    with pytest.raises(openai.BadRequestError, match="in_progress"):
        say(sdk, previous_response_id=made.id)
    assert sdk.responses.cancel(made.id).status == "cancelled"
    wait_for(lambda: sdk.get(f"/jobs/job_{made.id[5:]}", cast_to=dict)["state"] == "cancelled", 10)
    assert sdk.responses.retrieve(made.id).status == "cancelled"
    assert sdk.responses.cancel(made.id).status == "cancelled"
    sdk.responses.delete(made.id)
    with pytest.raises(openai.BadRequestError, match="background"):
        sdk.responses.cancel(say(sdk).id)


def test_what_fails_in_the_background_says_why(sdk: openai.OpenAI) -> None:
    made = say(sdk, "word " * 20, model="small", background=True)
    failed = reaches(sdk, made.id, "failed")
    assert failed.error is not None
    assert failed.error.code == "invalid_prompt"
    assert "21" in failed.error.message


def test_a_stream_in_the_background_can_be_left_and_taken_up_again(sdk: openai.OpenAI) -> None:
    stream = sdk.responses.create(
        model="slow", input=WORDS, max_output_tokens=25, background=True, stream=True, stream_options={}
    )
    events: list[Any] = [next(stream) for _ in range(6)]
    stream.close()
    assert [one.type for one in events[:3]] == ["response.created", "response.queued", "response.in_progress"]
    id = events[0].response.id
    events += sdk.responses.retrieve(id, stream=True, starting_after=events[-1].sequence_number)

    assert [one.sequence_number for one in events] == list(range(len(events)))
    last = events[-1]
    assert last.type == "response.incomplete"
    assert sdk.responses.retrieve(id) == last.response
    said = "".join(one.delta for one in events if one.type == "response.output_text.delta")
    assert said == last.response.output_text
    again = list(sdk.responses.retrieve(id, stream=True, include_obfuscation=False))
    assert again == events
    with pytest.raises(openai.BadRequestError, match="obfuscat"):
        sdk.responses.retrieve(id, stream=True, include_obfuscation=True)
    with sdk.responses.stream(response_id=id) as whole:
        assert [one.type for one in whole] == [one.type for one in events]


def test_a_stream_in_the_background_ends_with_why(server: Stack, sdk: openai.OpenAI) -> None:
    stream = sdk.responses.create(model="slow", input=WORDS, max_output_tokens=600, background=True, stream=True)
    events = [next(stream) for _ in range(7)]
    sdk.responses.cancel(events[0].response.id)  # type: ignore[union-attr]
    with pytest.raises(openai.APIError, match="cancelled"):
        list(stream)

    stream = sdk.responses.create(model="slow", input=WORDS, max_output_tokens=600, background=True, stream=True)
    events = [next(stream) for _ in range(7)]
    kill_runners(server)
    with pytest.raises(openai.APIError, match="anew"):
        list(stream)
    id = events[0].response.id  # type: ignore[union-attr]
    again = sdk.responses.retrieve(id, stream=True)
    assert [next(again).sequence_number for _ in range(9)] == list(range(9))
    sdk.responses.cancel(id)
    again.close()
    for uid in ("echo", "slow", "small"):
        server.client.wait_ready(uid)
    with pytest.raises(openai.BadRequestError, match="background"):
        sdk.responses.retrieve(say(sdk).id, stream=True)


def test_an_idempotency_key_stands_for_one_response(sdk: openai.OpenAI) -> None:
    key = {"Idempotency-Key": f"key-{time.time()}"}
    first = say(sdk, background=True, extra_headers=key)
    assert say(sdk, background=True, extra_headers=key).id == first.id


def test_it_outlives_the_gateway(server: Stack, sdk: openai.OpenAI) -> None:
    kept = say(sdk)
    made = say(sdk, model="slow", background=True, max_output_tokens=30)
    os.kill(server.pids()["gateway"][0], signal.SIGKILL)
    wait_for(server.is_ready, 60)
    assert reaches(sdk, made.id, "incomplete").output_text
    assert sdk.responses.retrieve(kept.id) == kept


def test_a_batch_is_made_of_responses(sdk: openai.OpenAI) -> None:
    bodies: list[dict[str, Any]] = [
        {"model": "echo", "input": "a b", "max_output_tokens": 4},
        {"model": "echo", "input": "a b", "previous_response_id": "resp_1"},
    ]
    lines = [
        json.dumps({"custom_id": str(number), "method": "POST", "url": "/v1/responses", "body": body})
        for number, body in enumerate(bodies)
    ]
    file = sdk.files.create(file=("in.jsonl", "\n".join(lines).encode()), purpose="batch")
    batch = sdk.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")
    wait_for(lambda: sdk.batches.retrieve(batch.id).status == "completed", 40)
    batch = sdk.batches.retrieve(batch.id)
    assert batch.output_file_id is not None
    assert batch.error_file_id is not None
    answered = json.loads(sdk.files.content(batch.output_file_id).text)["response"]["body"]
    assert Response.model_validate(answered).output_text == "a b a b"
    assert "previous_response_id" in sdk.files.content(batch.error_file_id).text


def test_a_job_is_a_response_too(sdk: openai.OpenAI) -> None:
    asked = {"kind": "responses", "model": "echo", "input": {"input": "a b", "max_output_tokens": 4}}
    job: Any = sdk.post("/jobs", body=asked, cast_to=dict)
    found = reaches(sdk, f"resp_{job['id'][4:]}", "incomplete")
    assert found.output_text == "a b a b"
    assert sdk.get(f"/jobs/{job['id']}/result", cast_to=dict)["id"] == found.id
    with pytest.raises(openai.BadRequestError, match="goes on"):
        sdk.post("/jobs", body=asked | {"input": {"input": "a", "previous_response_id": found.id}}, cast_to=dict)
