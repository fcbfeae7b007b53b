"""Events that come, read once for all who follow them (``api.gateway.following.event_tail``)."""

import pytest

from api.gateway.following import event_tail
from api.gateway.following.event_tail import EventTail
from models.rows.database import Database
from models.rows.life import events
from models.rows.life.events import EventKind


def happens(database: Database, uid: str, *texts: str) -> None:
    for text in texts:
        database.call(events.tell, uid, EventKind.CHANGED, text)


async def texts(tail: EventTail, last: int) -> list[str]:
    return [row.text for row in await tail.after(last, 0)]


async def test_what_comes_is_given_to_each_who_is_behind(database: Database) -> None:
    happens(database, "a", "before")
    tail = EventTail(database, "a")
    start = await tail.newest()
    assert await texts(tail, start) == []
    happens(database, "a", "one")
    happens(database, "b", "of another")
    assert await texts(tail, start) == ["one"]
    happens(database, "a", "two")
    assert await texts(tail, start) == ["one", "two"]
    assert await texts(tail, await tail.newest()) == []


async def test_who_is_too_slow_still_gets_all(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_tail, "KEPT", 2)
    tail = EventTail(database, None)
    happens(database, "a", "zero")
    start = await tail.newest()
    for number in range(5):
        happens(database, "a", f"{number}")
        await tail.after(start, 0)
    assert await texts(tail, start) == ["0", "1", "2", "3", "4"]
    last = [row.id for row in database.call(events.listing)][-3]
    assert await texts(tail, last) == ["3", "4"]


async def test_of_nothing_nothing_is_told(database: Database) -> None:
    tail = EventTail(database, "a")
    assert await tail.newest() == 0
    happens(database, "a", "the first")
    assert await texts(tail, 0) == ["the first"]
