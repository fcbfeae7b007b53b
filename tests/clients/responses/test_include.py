"""OpenAI's own client, as it comes, against a live server: ``include``, wherever it may be said."""

from typing import Any, get_args

import httpx
import openai
import pytest
from openai.types.responses import ResponseIncludable

from api.requests.response_include import KNOWN
from models.modalities.responses.request import LOGPROBS
from tests.clients.responses.conftest import WORDS, reaches, say
from tests.clients.responses.test_responses import PIXEL
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

OTHERS = sorted({*KNOWN} - {LOGPROBS})
WITH: dict[str, Any] = {"include": [LOGPROBS]}


def test_all_that_the_sdk_knows_is_known() -> None:
    assert set(get_args(ResponseIncludable)) == set(KNOWN)


def test_logprobs_are_shown_again_where_they_were_asked_for(sdk: openai.OpenAI) -> None:
    made = say(sdk, **WITH)
    found = sdk.responses.retrieve(made.id, **WITH)
    assert found.output[0].content[0].logprobs
    assert found.output == made.output
    after = say(sdk, previous_response_id=made.id)
    [said] = [one for one in sdk.responses.input_items.list(after.id, **WITH) if one.role == "assistant"]  # type: ignore[union-attr]
    assert said.content[0].logprobs  # type: ignore[union-attr, index]


def test_logprobs_are_refused_where_there_are_none(sdk: openai.OpenAI) -> None:
    made = say(sdk)
    after = say(sdk, previous_response_id=made.id)
    for ask in (
        lambda: sdk.responses.retrieve(made.id, **WITH),
        lambda: sdk.responses.input_items.list(after.id, **WITH),
    ):
        with pytest.raises(openai.BadRequestError, match=LOGPROBS) as refused:
            ask()
        assert (refused.value.param, refused.value.code) == ("include", "invalid_value")
    assert len(list(sdk.responses.input_items.list(made.id, **WITH))) == 1, "the user's words never have any"


def test_what_is_made_in_the_background_is_known_by_its_request(sdk: openai.OpenAI) -> None:
    slow: dict[str, Any] = {"model": "slow", "background": True, "max_output_tokens": 600}
    bare, rich = say(sdk, **slow), say(sdk, **slow, **WITH)
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.responses.retrieve(bare.id, **WITH)
    assert refused.value.param == "include"
    assert sdk.responses.retrieve(rich.id, **WITH).id == rich.id
    for one in (bare, rich):
        sdk.responses.cancel(one.id)
    done = say(sdk, background=True, **WITH)
    found = reaches(sdk, done.id, "incomplete")
    assert sdk.responses.retrieve(done.id, **WITH) == found
    with pytest.raises(openai.BadRequestError, match=LOGPROBS):
        sdk.responses.retrieve(reaches(sdk, say(sdk, background=True).id, "incomplete").id, **WITH)


@pytest.mark.parametrize("include", [[], [LOGPROBS]])
def test_events_have_logprobs_if_the_response_was_made_with_them(sdk: openai.OpenAI, include: list[Any]) -> None:
    made = sdk.responses.create(
        model="echo", input=WORDS, max_output_tokens=6, background=True, stream=True, include=include
    )
    id = next(event.response.id for event in made if event.type == "response.created")
    if not include:
        with pytest.raises(openai.BadRequestError, match=LOGPROBS):
            sdk.responses.retrieve(id, stream=True, **WITH)
        return
    again = sdk.responses.retrieve(id, stream=True, **WITH)
    deltas = [one for one in again if one.type == "response.output_text.delta"]
    assert deltas
    assert all(one.logprobs for one in deltas)


@pytest.mark.parametrize("value", OTHERS)
def test_what_is_shown_in_any_case_may_be_asked_for(sdk: openai.OpenAI, value: Any) -> None:
    content = [{"type": "input_text", "text": "what"}, {"type": "input_image", "image_url": PIXEL, "detail": "auto"}]
    made = say(sdk, [{"role": "user", "content": content}], reasoning={"effort": "high"}, include=[value])
    assert [one.type for one in made.output][:1] == ["reasoning"]
    assert made.output[0].content[0].text  # type: ignore[union-attr, index]
    assert sdk.responses.retrieve(made.id, include=[value]).output == made.output
    [item] = sdk.responses.input_items.list(made.id, include=[value])
    assert item.content[1].image_url == PIXEL  # type: ignore[union-attr, index]


def test_an_unknown_value_is_told_the_known_ones(server: Stack, sdk: openai.OpenAI) -> None:
    made, wrong = say(sdk), ["reasoning.content"]
    for ask in (
        lambda: say(sdk, include=wrong),
        lambda: sdk.responses.retrieve(made.id, include=wrong),  # type: ignore[arg-type]
        lambda: sdk.responses.input_items.list(made.id, include=wrong),  # type: ignore[arg-type]
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            ask()
        assert (refused.value.param or "").startswith("include")
        assert all(one in refused.value.message for one in KNOWN)
    for name in ("include", "include[]"):
        answer = httpx.get(
            f"{server.url}/v1/responses/{made.id}", params={name: wrong}, headers={"authorization": "Bearer one"}
        )
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "include")
