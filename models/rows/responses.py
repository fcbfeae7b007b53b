"""Stored responses (OpenAI's Responses API): found by their ids, and continued by later ones.

The row of a response has its own items alone; the items before them are in the rows of its predecessors. A request that
continues a response prolongs the storage of it and its predecessors. Each function takes a connection inside a
transaction; times are Unix time in milliseconds by the database's clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from models.errors import InvalidRequest, NotFound, PreviousResponseNotFound
from models.modalities.responses.items import GIVEN, as_items, place_of, stored_items
from models.rows.database import now_ms
from models.rows.fetching import fetch, fetch_one
from models.rows.records import JobRow, ResponseRow
from models.rows.states import JobState
from models.rows.tables import responses

KIND = "responses"
MOST_TURNS = 1000
MOST_BYTES = 16 << 20
RENEW_MS = 86_400_000
"""The storage of a predecessor is prolonged once this much of its time is over."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_items = msgspec.json.Decoder(list[dict[str, Any]]).decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class NewResponse:
    """A response to store: ``input``, its own items, and ``body``, its object, both as JSON."""

    id: str
    api_key_id: str
    previous_id: str | None
    status: str
    input: bytes
    body: bytes


def job_of(response: str) -> str:
    """The id of the job that makes this response, where it is made in the background."""
    return f"job_{response.removeprefix('resp_')}"


def response_of(job: str) -> str:
    """The id of the response that this job makes."""
    return f"resp_{job.removeprefix('job_')}"


def reachable(connection: Connection) -> None:
    """Ask the database for nothing, to see whether it answers."""
    connection.execute(sa.select(1))


def keep(connection: Connection, new: Iterable[NewResponse], retention_ms: int) -> None:
    """Store these. One that is stored already is not changed."""
    rows = [
        {
            "id": one.id,
            "api_key_id": one.api_key_id,
            "previous_id": one.previous_id,
            "status": one.status,
            "input": one.input.decode(),
            "body": one.body.decode(),
            "bytes": len(one.input) + len(one.body),
        }
        for one in new
    ]
    if rows:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(responses).values(expires_at=now_ms() + retention_ms).on_conflict_do_nothing()
        connection.execute(statement, rows)


def keep_done(
    connection: Connection, moved: Iterable[JobRow], bodies: dict[str, dict[str, Any] | None], retention_ms: int
) -> None:
    """Store the responses that the succeeded ones of these jobs have made. ``bodies``: job → its result.

    Such a response has all earlier items as its own, and no predecessor.
    """
    new = []
    for row in moved:
        result = bodies.get(row.id)
        if row.kind != KIND or row.state != JobState.SUCCEEDED or row.batch_id is not None or result is None:
            continue
        if row.request.get("store") is not False:
            response, body = response_of(row.id), result["body"]
            items = stored_items([*(row.request.get("earlier") or []), *as_items(row.request["input"])], response)
            new.append(NewResponse(response, row.api_key_id, None, body["status"], _encode(items), _encode(body)))
    keep(connection, new, retention_ms)


# ---- looking -----------------------------------------------------------------------------------------------


def get(connection: Connection, response: str, api_key_id: str) -> ResponseRow | None:
    """The response; None if there is none, or if it is another key's."""
    query = sa.select(responses).where(responses.c.id == response, responses.c.api_key_id == api_key_id)
    return fetch_one(connection, query, ResponseRow)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The items before a response that continues another.

    ``aging``: the ids of those earlier responses whose storage must be prolonged.
    """

    items: list[dict[str, Any]]
    aging: list[str]


def earlier(connection: Connection, response: str, api_key_id: str, retention_ms: int) -> Earlier:
    """All items of a response and of its predecessors, in their order.

    Raises PreviousResponseNotFound if one of them is not stored, InvalidRequest if this one has failed, or if they are
    too many or too large.
    """
    rows, missing = _chain(connection, response, api_key_id)
    if missing is not None:
        raise PreviousResponseNotFound(f"there is no response '{missing[:64]}'", param="previous_response_id")
    if rows[-1].status == "failed":
        raise InvalidRequest(f"the response '{response}' has failed", param="previous_response_id")
    young = connection.execute(sa.select(now_ms())).scalar_one() + retention_ms - RENEW_MS
    return Earlier(_items(rows), [row.id for row in rows if row.expires_at < young])


def input_items(connection: Connection, row: ResponseRow) -> list[dict[str, Any]]:
    """All items that the model was given for a response, in their order, without those of deleted responses."""
    before = [] if row.previous_id is None else _chain(connection, row.previous_id, row.api_key_id)[0]
    return _items(before) + _decode_items(row.input)


def _items(rows: Iterable[ResponseRow]) -> list[dict[str, Any]]:
    return [item for row in rows for item in (*_decode_items(row.input), *_decode(row.body)["output"])]


def _chain(connection: Connection, response: str, api_key_id: str) -> tuple[list[ResponseRow], str | None]:
    """The rows of a response and its predecessors, oldest first; and the id of the first that is missing, or None."""
    mine = responses.c.api_key_id == api_key_id
    about = (responses.c.id, responses.c.previous_id, responses.c.bytes)
    first = sa.select(*about, sa.literal(1).label("turns")).where(responses.c.id == response, mine).cte(recursive=True)
    before = sa.select(*about, first.c.turns + 1).where(responses.c.id == first.c.previous_id, mine)
    every = first.union_all(before.where(first.c.turns < MOST_TURNS))
    found = connection.execute(sa.select(every).order_by(every.c.turns)).all()
    size, missing = sum(row.bytes for row in found), found[-1].previous_id if found else response
    if size > MOST_BYTES or (missing is not None and len(found) == MOST_TURNS):
        raise InvalidRequest(
            f"it goes on from {len(found)} responses or more, of {size} bytes; "
            f"{MOST_TURNS} and {MOST_BYTES} are possible",
            param="previous_response_id",
        )
    order = {row.id: row.turns for row in found}
    rows = fetch(connection, sa.select(responses).where(responses.c.id.in_(order)), ResponseRow)
    return sorted(rows, key=lambda row: -order[row.id]), missing


def items(connection: Connection, ids: Sequence[str], api_key_id: str) -> dict[str, dict[str, Any]]:
    """These items of stored responses, by id. Raises NotFound if one does not exist."""
    places = {item: place_of(item) or ("", 0) for item in ids}
    wanted = {response for response, _ in places.values()}
    query = sa.select(responses).where(responses.c.id.in_(wanted), responses.c.api_key_id == api_key_id)
    rows = {row.id: row for row in fetch(connection, query, ResponseRow)}
    found = {}
    for item, (response, place) in places.items():
        row = rows.get(response)
        listed = [] if row is None else _decode_items(row.input) if place >= GIVEN else _decode(row.body)["output"]
        content = next((one for one in listed if one["id"] == item), None)
        if content is None:
            raise NotFound(f"there is no item '{item[:64]}'", param="input")
        found[item] = content
    return found


# ---- changing ----------------------------------------------------------------------------------------------


def renew(connection: Connection, ids: Sequence[str], retention_ms: int) -> None:
    """Prolong the storage of these, since a request continues them."""
    until = now_ms() + retention_ms
    connection.execute(sa.update(responses).where(responses.c.id.in_(ids)).values(expires_at=until))


def delete(connection: Connection, response: str, api_key_id: str) -> bool:
    """Delete a response; False if there is none. Those that continue it cannot be continued any more."""
    mine = sa.delete(responses).where(responses.c.id == response, responses.c.api_key_id == api_key_id)
    return connection.execute(mine).rowcount > 0


def purge(connection: Connection, limit: int = 500) -> int:
    """Delete responses whose storage has expired; returns how many."""
    old = sa.select(responses.c.id).where(responses.c.expires_at < now_ms()).limit(limit)
    ids = list(connection.execute(old.with_for_update(skip_locked=True)).scalars())
    if ids:
        connection.execute(sa.delete(responses).where(responses.c.id.in_(ids)))
    return len(ids)
