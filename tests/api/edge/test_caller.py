"""Who asks and what it may do, from settings and headers; and what the edge lets through at all."""

from collections.abc import MutableMapping
from typing import Any

import pytest
from fastapi import Request
from pydantic import SecretStr
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.app import create_app
from api.edge.caller import Caller, Callers, Limits, Scope, admin_only, digest, scopes_of
from api.edge.envelopes import shape_of
from api.edge.middleware import Edge
from api.edge.pages import pages_of
from api.edge.session import Sessions
from models.errors import AdminKeyRequired, HeadraceError, Unauthorized
from models.settings import Settings

USER = frozenset({Scope.INFER})
ALL = frozenset({Scope.INFER, Scope.ADMIN})


def settings(api: str = "", admin: str = "", **fields: Any) -> Settings:
    return Settings(api_key=SecretStr(api), admin_key=SecretStr(admin), **fields)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    ("api", "admin", "scopes"),
    [
        ("", "", {}),
        ("a, b", "", {"a": ALL, "b": ALL}),
        ("a", "root", {"a": USER, "root": ALL}),
        ("", "root, other", {"root": ALL, "other": ALL}),
        ("a, root", "root", {"a": USER, "root": ALL}),
        ("a", " , ", {"a": ALL}),
    ],
)
def test_only_administrators_are_admins_where_there_are_any(
    api: str, admin: str, scopes: dict[str, frozenset[Scope]]
) -> None:
    assert scopes_of(settings(api, admin)) == scopes


def test_a_key_is_known_by_its_digest_and_brings_its_limits() -> None:
    callers = Callers(settings("a", "root", key_concurrency=7, key_job_queue=9))
    expected = Caller(digest("a").hex(), USER, Limits(concurrency=7, job_queue=9))
    assert callers.find(bearer("a")) == callers.find({"x-api-key": "a"}) == expected
    assert callers.find({"authorization": "Key a"}) == callers.find({"authorization": "Token a"}) == expected
    assert callers.find(bearer("root")).scopes == ALL
    assert callers.anyone.scopes == frozenset()


@pytest.mark.parametrize("headers", [{}, bearer("b"), {"authorization": "Basic a"}, {"x-api-key": ""}])
@pytest.mark.parametrize(("api", "admin"), [("a", ""), ("", "a"), ("a", "root")])
def test_where_there_is_any_key_one_must_be_presented(api: str, admin: str, headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized):
        Callers(settings(api, admin)).find(headers)


def test_without_keys_anyone_may_do_all() -> None:
    callers = Callers(settings())
    assert callers.find({}) == callers.find(bearer("whatever")) == callers.anyone
    assert (callers.anyone.key, callers.anyone.scopes) == ("", ALL)


def test_only_a_caller_with_the_scope_passes_where_administrators_may() -> None:
    callers = Callers(settings("a", "root"))
    admin_only(request_of(callers.find(bearer("root"))))
    for caller in (callers.find(bearer("a")), callers.anyone):
        with pytest.raises(AdminKeyRequired):
            admin_only(request_of(caller))


def request_of(caller: Caller) -> Request:
    return Request({"type": "http", "state": {"caller": caller}})


def test_a_refusal_is_in_the_words_of_its_protocol() -> None:
    error = AdminKeyRequired()
    assert HeadraceError.from_wire(error.to_wire()).to_wire() == error.to_wire()
    said = shape_of("/v1/models").body(error, "id")["error"]
    assert (said["type"], said["code"]) == ("permission_error", "admin_key_required")
    said = shape_of("/anthropic/v1/models").body(error, "id")["error"]
    assert (said["type"], said["details"]["error_code"]) == ("permission_error", "admin_key_required")


# ---- what is no request ------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [settings(), settings("a", "root")])
def test_a_websocket_is_closed_before_it_reaches_a_route(keys: Settings) -> None:
    reached: list[WebSocket] = []

    async def accept(socket: WebSocket) -> None:
        reached.append(socket)
        await socket.accept()

    app = create_app(keys)
    app.add_api_websocket_route("/socket", accept)
    client = TestClient(app)  # without its lifespan: nothing is started
    for headers in ({}, bearer("root")):
        with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/socket", headers=headers):
            pass
        assert closed.value.code == 1008
    assert not reached


async def test_an_unknown_type_of_connection_is_not_passed_on() -> None:
    reached: list[str] = []

    async def app(scope: MutableMapping[str, Any], *_: Any) -> None:
        reached.append(scope["type"])

    async def unused(*_: Any) -> Any:
        raise AssertionError("nothing is sent or received")

    keyed = settings("a")
    parts = {"callers": Callers(keyed), "sessions": Sessions(keyed), "pages": pages_of(keyed)}
    edge = Edge(app, **parts, max_body_bytes=1, max_upload_bytes=1)  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError, match="webtransport"):
        await edge({"type": "webtransport", "path": "/v1/models"}, unused, unused)
    assert not reached
    await edge({"type": "lifespan"}, unused, unused)
    assert reached == ["lifespan"]
