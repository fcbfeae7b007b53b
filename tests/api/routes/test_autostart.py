"""What is refused of an entry that comes back after a start (``api.routes.cluster.autostart``)."""

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from api.routes.cluster import autostart
from models.errors import Conflict, HeadraceError, InvalidRequest, ModelNotFound
from models.launching.launch import Launch
from models.rows import instances
from models.rows.database import Database
from models.rows.instances import NewInstance


def request() -> Any:
    gateway = SimpleNamespace(settings=SimpleNamespace(strict_fields=False))  # without a database: none is asked
    state = SimpleNamespace(caller=SimpleNamespace(key=""), request_id="r", ignored=[])
    return SimpleNamespace(
        app=SimpleNamespace(state=SimpleNamespace(gateway=gateway)), state=state, headers={}, scope={}
    )


def test_what_is_no_uid_is_no_model() -> None:
    with pytest.raises(ModelNotFound):
        asyncio.run(autostart.remove_autostart(request(), "\0"))


def test_a_uid_and_a_name_are_a_launch() -> None:
    entry = autostart.AutostartEntry(model_uid="e", model_name="echo")
    assert autostart.launch_in(entry) == ({"model_uid": "e", "model_name": "echo"}, False)
    assert autostart.launch_in(autostart.AutostartEntry(launch={"model_name": "echo"})) == (
        {"model_name": "echo"},
        True,
    )
    for wrong in (autostart.AutostartEntry(), autostart.AutostartEntry(launch={}, model_uid="e")):
        with pytest.raises(InvalidRequest):
            autostart.launch_in(wrong)


def test_a_launch_is_refused_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(*_: Any) -> autostart.AutostartEntry:
        return autostart.AutostartEntry(launch={"model_name": "echo", "replica": -1})

    monkeypatch.setattr("api.bodies.fields.read", read)
    with pytest.raises(HeadraceError) as caught:
        asyncio.run(autostart.set_autostart(request()))
    assert caught.value.param == "launch.replica"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"model_name": "echo"}, None),
        ({"model_name": "Echo"}, None),
        ({"model_name": "echo", "model_path": "/srv/echo"}, None),
        ({"model_name": "other"}, "launch.model_name"),
        ({"model_name": "echo", "model_path": "/srv/other"}, "launch.model_path"),
    ],
)
def test_another_model_under_the_uid_is_told(database: Database, asked: dict[str, str], param: str | None) -> None:
    new = NewInstance("m", "echo", "LLM", "echo", source="/srv/echo")
    database.call(lambda c: instances.create(c, new, "me", {"model_name": "Echo"}))
    launch = Launch(model_uid="m", **asked)
    with pytest.raises(Conflict) if param else nullcontext() as caught:
        database.call(autostart._refuse_another, launch)
    assert (caught.value.param if caught else None) == param
    database.call(autostart._refuse_another, launch.model_copy(update={"model_uid": "new"}))
