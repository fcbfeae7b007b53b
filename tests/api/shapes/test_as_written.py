"""Routes that send what they return, and document its type (``api.shapes.as_written``)."""

from typing import Any, NotRequired, cast

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import Response
from fastapi.testclient import TestClient
from typing_extensions import TypedDict

from api.bodies.documents import followed
from api.shapes.as_written import AsWritten


class Thing(TypedDict):
    """A thing."""

    size: float
    name: NotRequired[str]


SENT: dict[str, Any] = {"new": {"z": 1, "a": None}, "size": 1}
"""Not as it is documented: a field that nobody knows comes first, and a number is a whole one."""

router = APIRouter(prefix="/things", route_class=AsWritten)


@router.get("")
async def list_things() -> list[Thing]:
    return [cast(Thing, SENT)]


@router.post("", status_code=202)
async def make_thing() -> Thing | None:
    return None


@router.get("/{name}", response_model=Thing, responses=followed(Thing))
async def look(name: str, follow: bool = False) -> Thing | Response:
    return Response("data: 1\n\n", media_type="text/event-stream") if follow else {"size": 2, "name": name}


@pytest.fixture(scope="module")
def http() -> TestClient:
    app = FastAPI()
    app.include_router(router)
    return TestClient(app)


def test_an_answer_is_sent_unchanged(http: TestClient) -> None:
    answer = http.get("/things")
    assert answer.text == '[{"new":{"z":1,"a":null},"size":1}]'
    assert answer.headers["content-type"] == "application/json"


def test_the_status_is_the_routes(http: TestClient) -> None:
    answer = http.post("/things")
    assert (answer.status_code, answer.text) == (202, "null")


def test_a_response_stays_one(http: TestClient) -> None:
    assert http.get("/things/one").json() == {"size": 2, "name": "one"}
    assert http.get("/things/one?follow=true").headers["content-type"].startswith("text/event-stream")


def test_the_type_is_documented(http: TestClient) -> None:
    document = http.get("/openapi.json").json()
    thing = document["components"]["schemas"]["Thing"]
    assert thing["required"] == ["size"]
    assert thing["description"] == "A thing."
    told = document["paths"]["/things/{name}"]["get"]["responses"]["200"]["content"]
    assert told["application/json"]["schema"] == {"$ref": "#/components/schemas/Thing"}
    assert told["text/event-stream"]["schema"] == thing
