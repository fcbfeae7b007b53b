"""Where answers end by default: read from a launch's options, put into requests that say nothing of it."""

from typing import Any

import pytest

from models.errors import InvalidRequest
from models.modalities.chat.body import Request
from workers.runner.stops import Stops, taken

ALL = ("stop", "stop_token_ids")


def request(**fields: Any) -> Request:
    return Request.model_validate({"model": "m", "messages": [{"role": "user", "content": "a"}], **fields})


def test_a_request_that_says_nothing_stops_where_its_model_does() -> None:
    stops, rest = taken({"stop": ["a"], "stop_token_ids": [7], "n_ctx": 512}, "LLM")
    assert rest == {"n_ctx": 512}
    silent, saying = request(), request(stop=["own"])
    stops.into(silent, ALL)
    stops.into(saying, ALL)
    assert (silent.stop, silent.stop_token_ids) == (["a"], [7])
    assert (saying.stop, saying.stop_token_ids) == (["own"], [7])


def test_an_engine_gets_what_it_honours() -> None:
    asked = request()
    Stops(("a",), (7,)).into(asked, ["stop"])
    assert (asked.stop, asked.asked() & {*ALL}) == (["a"], {"stop"})


def test_models_that_write_no_text_have_no_such_options() -> None:
    assert taken({"stop": ["a"]}, "image") == (Stops(), {"stop": ["a"]})


@pytest.mark.parametrize("options", [{"stop": [1]}, {"stop": [""]}, {"stop_token_ids": [True]}, {"stop": "a"}])
def test_what_are_no_stops_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        taken(options, "LLM")
    assert (caught.value.param or "").partition(".")[0] in ALL
