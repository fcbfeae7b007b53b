"""What is refused of an entry that comes back after a start (``api.routes.cluster.autostart``)."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from api.routes.cluster import autostart
from models.errors import HeadraceError, ModelNotFound


def request() -> Any:
    gateway = SimpleNamespace(settings=SimpleNamespace(strict_fields=False))  # without a database: none is asked
    state = SimpleNamespace(caller=SimpleNamespace(key=""), request_id="r", ignored=[])
    return SimpleNamespace(
        app=SimpleNamespace(state=SimpleNamespace(gateway=gateway)), state=state, headers={}, scope={}
    )


def test_what_is_no_uid_is_no_model() -> None:
    with pytest.raises(ModelNotFound):
        asyncio.run(autostart.remove(request(), "\0"))


def test_a_launch_is_refused_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(*_: Any) -> autostart.AutostartEntry:
        return autostart.AutostartEntry(launch={"model_name": "echo", "replica": -1})

    monkeypatch.setattr("api.bodies.fields.read", read)
    with pytest.raises(HeadraceError) as caught:
        asyncio.run(autostart.upsert(request()))
    assert caught.value.param == "launch.replica"
