"""Responses in the database: found, gone on from, kept for longer, forgotten; and how they get there."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from api.gateway import response_writer
from api.gateway.response_writer import ResponseWriter
from models.errors import DatabaseUnavailable, InvalidRequest, NotFound, PreviousResponseNotFound
from models.modalities.responses.items import item_id, stored_items
from models.rows import claims, jobs, responses
from models.rows.claims import Done, Lease
from models.rows.database import Database, now_ms
from models.rows.jobs import NewJob
from models.rows.responses import NewResponse
from models.rows.tables import responses as table

DAY_MS = 86_400_000
MONTH_MS = 30 * DAY_MS


def new(text: str, previous: str | None = None, *, key: str = "me", status: str = "completed") -> NewResponse:
    """A response that answered ``text`` with the same in capitals."""
    id = f"resp_{secrets.token_hex(12)}"
    items = stored_items([{"type": "message", "role": "user", "content": text}], id)
    said = {"id": item_id("msg", id, 0), "type": "message", "role": "assistant", "content": text.upper()}
    body = {"id": id, "status": status, "output": [said]}
    return NewResponse(id, key, previous, status, json.dumps(items).encode(), json.dumps(body).encode())


def put(database: Database, *rows: NewResponse) -> None:
    database.call(responses.keep, rows, MONTH_MS)


def chain(database: Database, length: int) -> list[NewResponse]:
    """So many responses, each going on from the one before."""
    rows: list[NewResponse] = []
    for number in range(length):
        rows.append(new(f"t{number}", rows[-1].id if rows else None))
    put(database, *rows)
    return rows


def texts(items: list[dict[str, Any]]) -> list[str]:
    return [one["content"] if isinstance(one["content"], str) else one["content"][0]["text"] for one in items]


def age(database: Database, id: str, days: int) -> None:
    """Let its time run out by so much."""
    moved = sa.update(table).where(table.c.id == id).values(expires_at=table.c.expires_at - days * DAY_MS)
    database.call(lambda connection: connection.execute(moved))


def left(database: Database, id: str) -> float:
    """Days until it is forgotten."""
    query = sa.select(table.c.expires_at - now_ms()).where(table.c.id == id)
    return float(database.call(lambda connection: connection.execute(query).scalar_one())) / DAY_MS


def test_what_precedes_comes_in_order(database: Database) -> None:
    rows = chain(database, 4)
    found = database.call(responses.earlier, rows[2].id, "me", MONTH_MS)
    assert texts(found.items) == ["t0", "T0", "t1", "T1", "t2", "T2"]
    assert found.aging == []
    row = database.call(responses.get, rows[3].id, "me")
    assert row is not None
    assert row.body == rows[3].body.decode()
    assert texts(database.call(responses.input_items, row)) == ["t0", "T0", "t1", "T1", "t2", "T2", "t3"]


def test_another_keys_are_not_there(database: Database) -> None:
    mine = new("mine")
    theirs = new("theirs", mine.id, key="them")
    put(database, mine, theirs)
    assert database.call(responses.get, mine.id, "them") is None
    assert not database.call(responses.delete, mine.id, "them")
    for id in (mine.id, theirs.id):  # nor do they come in through what goes on from them
        with pytest.raises(PreviousResponseNotFound):
            database.call(responses.earlier, id, "them", MONTH_MS)
    with pytest.raises(NotFound):
        database.call(responses.items, [item_id("msg", mine.id, 0)], "them")


def test_what_goes_on_from_a_deleted_one_says_which(database: Database) -> None:
    first, second, third = chain(database, 3)
    assert database.call(responses.delete, second.id, "me")
    with pytest.raises(PreviousResponseNotFound, match=second.id):
        database.call(responses.earlier, third.id, "me", MONTH_MS)
    row = database.call(responses.get, third.id, "me")
    assert row is not None
    assert texts(database.call(responses.input_items, row)) == ["t2"]
    assert texts(database.call(responses.earlier, first.id, "me", MONTH_MS).items) == ["t0", "T0"]


def test_one_does_not_go_on_from_a_failure(database: Database) -> None:
    failed = new("x", status="failed")
    put(database, failed)
    with pytest.raises(InvalidRequest, match="failed"):
        database.call(responses.earlier, failed.id, "me", MONTH_MS)


def test_conversations_are_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = chain(database, 6)
    monkeypatch.setattr(responses, "MOST_TURNS", 6)
    assert len(database.call(responses.earlier, rows[5].id, "me", MONTH_MS).items) == 12
    monkeypatch.setattr(responses, "MOST_TURNS", 5)
    with pytest.raises(InvalidRequest, match="goes on from 5 responses or more"):
        database.call(responses.earlier, rows[5].id, "me", MONTH_MS)
    assert len(database.call(responses.earlier, rows[4].id, "me", MONTH_MS).items) == 10
    monkeypatch.setattr(responses, "MOST_BYTES", 700)
    with pytest.raises(InvalidRequest, match="bytes"):
        database.call(responses.earlier, rows[4].id, "me", MONTH_MS)


def test_a_circle_ends(database: Database) -> None:
    rows = chain(database, 3)
    bent = sa.update(table).where(table.c.id == rows[0].id).values(previous_id=rows[2].id)
    database.call(lambda connection: connection.execute(bent))
    with pytest.raises(InvalidRequest):
        database.call(responses.earlier, rows[2].id, "me", MONTH_MS)


def test_items_are_found_by_their_ids(database: Database) -> None:
    row = new("x")
    put(database, row)
    given, said = item_id("msg", row.id, 0x8000), item_id("msg", row.id, 0)
    found = database.call(responses.items, [given, said], "me")
    assert texts([found[given], found[said]]) == ["x", "X"]
    for unknown in (item_id("msg", row.id, 1), item_id("msg", row.id, 0x8001), "msg_1"):
        with pytest.raises(NotFound, match=unknown):
            database.call(responses.items, [given, unknown], "me")


def test_who_goes_on_keeps_all_for_longer(database: Database) -> None:
    rows = chain(database, 3)
    age(database, rows[0].id, 20)
    age(database, rows[1].id, 1)
    aging = database.call(responses.earlier, rows[2].id, "me", MONTH_MS).aging
    assert set(aging) >= {rows[0].id}
    assert rows[2].id not in aging
    database.call(responses.renew, aging, MONTH_MS)
    assert left(database, rows[0].id) == pytest.approx(30, abs=0.1)


def test_what_was_kept_long_enough_is_forgotten(database: Database) -> None:
    old, young = new("old"), new("young")
    put(database, old, young)
    age(database, old.id, 31)
    assert database.call(responses.purge) == 1
    assert database.call(responses.purge) == 0
    assert database.call(responses.get, old.id, "me") is None
    assert database.call(responses.get, young.id, "me") is not None


def test_one_is_kept_once(database: Database) -> None:
    row = new("x")
    put(database, row, row)
    put(database, row)
    found = database.call(responses.get, row.id, "me")
    assert found is not None
    assert found.bytes == len(row.input) + len(row.body)


@pytest.mark.parametrize(("store", "batch", "there"), [(None, None, True), (False, None, False), (None, "b", False)])
def test_a_job_that_succeeds_is_kept(database: Database, store: bool | None, batch: str | None, there: bool) -> None:
    before = stored_items([{"type": "message", "role": "user", "content": "before"}], "resp_" + "0" * 24)
    request = {"model": "m", "input": "now", "earlier": before} | ({} if store is None else {"store": store})
    job = NewJob(jobs.new_id(), "responses", "m", request, "me", batch_id=batch, line=0 if batch else None)
    id = responses.response_of(job.id)
    body = {"id": id, "status": "completed", "output": [{"id": "msg", "content": "NOW"}]}

    def finish(connection: Any) -> None:
        jobs.submit(connection, [job], None)
        [row] = claims.claim(connection, "m", "me", 1, 1 << 62, Lease("w", "d", 60_000))
        ended = [Done(row.id, row.fence, {"body": body, "artifacts": {}})]
        responses.keep_done(connection, claims.finish(connection, ended), {job.id: ended[0].body}, MONTH_MS)

    database.call(finish)
    found = database.call(responses.get, id, "me")
    assert (found is not None) == there
    if found is not None:
        assert json.loads(found.body) == body
        assert texts(database.call(responses.earlier, id, "me", MONTH_MS).items) == ["before", "now", "NOW"]


# ---- the way there -----------------------------------------------------------------------------------------


class Away(Database):
    """A database that can be away; ``writes`` are the transactions that were tried."""

    away = False
    writes = 0

    async def run(self, function: Any, *args: Any) -> Any:
        self.writes += 1
        if self.away:
            raise DatabaseUnavailable()
        return await super().run(function, *args)


@asynccontextmanager
async def keeping(database_url: str) -> AsyncIterator[tuple[ResponseWriter, Away]]:
    database = Away(database_url)
    made = ResponseWriter(database, 30 * 86_400)
    running = asyncio.create_task(made.run())
    try:
        yield made, database
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        database.close()


async def test_many_are_kept_in_few_transactions(database: Database, database_url: str) -> None:
    rows = [new(f"t{number}") for number in range(100)]
    async with keeping(database_url) as (made, away):
        await asyncio.gather(*[made.keep(row, []) for row in rows])
        assert away.writes <= 10
    for row in rows:
        assert database.call(responses.get, row.id, "me") is not None


async def test_a_database_that_is_away_holds_no_answer_up(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_writer, "HELD_UP_S", 0.2)
    monkeypatch.setattr(response_writer, "AGAIN_S", 0.05)
    row, later = new("x"), new("y")
    async with keeping(database_url) as (made, away):
        away.away = True
        async with asyncio.timeout(10):
            await made.keep(row, [])
        assert database.call(responses.get, row.id, "me") is None
        away.away = False
        await made.keep(later, [row.id])
    for one in (row, later):
        assert database.call(responses.get, one.id, "me") is not None


async def test_who_is_gone_on_from_is_kept_for_longer_with_the_new_one(database: Database, database_url: str) -> None:
    old = new("x")
    put(database, old)
    age(database, old.id, 20)
    async with keeping(database_url) as (made, _):
        await made.keep(new("y", old.id), [old.id])
    assert left(database, old.id) == pytest.approx(30, abs=0.1)


async def test_one_that_cannot_be_kept_holds_no_other_up(database: Database, database_url: str) -> None:
    bad = NewResponse("resp_bad", "me", None, "nonsense", b"[]", b"{}")
    good = [new("a"), new("b")]
    async with keeping(database_url) as (made, _), asyncio.timeout(20):
        await asyncio.gather(*[made.keep(row, []) for row in (good[0], bad, good[1])])
    assert [database.call(responses.get, row.id, "me") is None for row in (*good, bad)] == [False, False, True]
