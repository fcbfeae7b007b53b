"""Long answers are compressed (``api.shapes.compressed``), and standings are computed once."""

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from api.routes.catalogue.standings import standings
from api.shapes.compressed import Compressed
from models.catalogue.entries import families
from models.catalogue.shipped import shipped_families
from models.engines import FACTS
from models.ledger.fit import Room
from models.ledger.need import GIB, Target
from models.ledger.ways import DeviceHere


def test_long_answers_are_compressed() -> None:
    app = FastAPI()

    async def answer(request: Request, count: int) -> dict[str, str]:
        return {"text": "a" * count}

    app.router.add_api_route("/", answer, route_class_override=Compressed)
    client = TestClient(app)
    long = client.get("/", params={"count": 10_000}, headers={"accept-encoding": "gzip"})
    assert (long.json(), long.headers["content-encoding"]) == ({"text": "a" * 10_000}, "gzip")
    assert int(long.headers["content-length"]) < 1000
    plain = client.get("/", params={"count": 10_000}, headers={"accept-encoding": "identity"})
    assert (len(plain.content), plain.headers["vary"]) == (10_011, "Accept-Encoding")
    short = client.get("/", params={"count": 10}, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in short.headers


def test_standings_are_those_of_the_devices() -> None:
    def device(free: int, total: int = 24) -> DeviceHere:
        return DeviceHere(Room("n.cpu", "n", total * GIB, free * GIB), Target(), dict.fromkeys(FACTS, ""))

    first = standings([device(20)], trusts=False)
    assert len(first) == len(families()) + len(shipped_families())
    assert standings([device(3)], trusts=False) is first, "what is free now decides nothing"
    assert standings([device(3, total=4)], trusts=False) != first
    assert standings([device(20)], trusts=True) != first
