"""How long a model stays, in the words of all who send it."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.keep_alive import FOREVER, seconds
from models.launching.launch import Launch
from models.settings import Settings
from models.staying import StayingChange

SAID = {
    300: 300.0,
    0: 0.0,
    "0": 0.0,
    "0s": 0.0,
    "300": 300.0,
    "5m": 300.0,
    "1h30m": 5400.0,
    "1.5h": 5400.0,
    "500ms": 0.5,
    " 10M ": 600.0,
    "+5m": 300.0,
    -1: FOREVER,
    "-1": FOREVER,
    "-1m": FOREVER,
    "-5m": FOREVER,
}


@pytest.mark.parametrize(("said", "meant"), list(SAID.items()))
def test_what_ollamas_users_send_is_understood(said: str | float, meant: float) -> None:
    assert seconds(said) == pytest.approx(meant)


@pytest.mark.parametrize("said", ["", "five", "5 m", "m", "5x", "--5m", "5m3", "1e3", float("nan"), float("inf"), 1e12])
def test_what_is_no_time_is_refused(said: str | float) -> None:
    with pytest.raises(ValueError, match=r"5m|ten years"):
        seconds(said)


def test_a_launch_and_a_setting_take_them() -> None:
    assert Launch(model_name="m", keep_alive="5m").keep_alive_s == 300
    assert Launch(model_name="m", keep_alive=-1).keep_alive_s == FOREVER
    assert Launch(model_name="m").keep_alive_s is None
    assert Settings(keep_alive="10m").keep_alive_s == 600
    assert Settings().keep_alive_s == FOREVER
    with pytest.raises(ValidationError):
        Settings(keep_alive="soon")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"keep_alive": "soon"}, "keep_alive"),
        ({"keep_alive": True}, "keep_alive"),
        ({"keep_alive": [5]}, "keep_alive"),
        ({"max_replicas": 0}, "max_replicas"),
        ({"min_replicas": 3, "max_replicas": 2}, "min_replicas"),
        ({"min_replicas": -1}, "min_replicas"),
    ],
)
def test_a_launch_that_makes_no_sense_names_the_field(body: dict[str, Any], param: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Launch.model_validate({"model_name": "m", **body})
    [problem] = caught.value.errors()
    assert param in (*problem["loc"], problem.get("ctx", {}).get("param"))


def test_a_change_is_of_what_is_given() -> None:
    assert StayingChange.model_validate({}).values() == {}
    assert StayingChange.model_validate({"keep_alive": None}).values() == {"keep_alive_s": None}
    assert StayingChange.model_validate({"pinned": True}).values() == {"pinned": True}
    assert StayingChange.model_validate({"pinned": None}).values() == {"pinned": False}
    assert StayingChange.model_validate({"keep_alive": "1m", "min_replicas": 0}).values() == {
        "keep_alive_s": 60.0,
        "min_replicas": 0,
    }
