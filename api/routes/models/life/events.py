"""What happened to models: the last events, and those that come, as server-sent events. The fields are Xinference's,
and more beside them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from sse_starlette import ServerSentEvent

from api.bodies.documents import followed
from api.gateway.following.event_tail import PAGE, EventTail
from api.gateway.gateway import Gateway, gateway_of
from api.requests.server_sent import ServerSent
from api.routes.models.finding import found
from api.routes.models.uids import Uid
from api.shapes.as_written import AsWritten
from api.shapes.life import EventLevel, EventPage, ModelEvent
from models.errors import DatabaseUnavailable, InvalidRequest
from models.launching.launch import is_uid
from models.rows.life import events
from models.rows.life.events import REASONS_OF, EventKind
from models.rows.life.history import ASKED
from models.rows.records import EventRow

router = APIRouter(prefix="/v1", tags=["models"], route_class=AsWritten)

LOOK_S = 0.5
LEVELS: dict[EventKind, Literal["WARNING", "ERROR"]] = {
    EventKind.FAILED: "ERROR",
    EventKind.DIED: "ERROR",
    EventKind.LOST: "WARNING",
    EventKind.WAITING: "WARNING",
}
"""Xinference's words for those that are not INFO."""

Limit = Annotated[int, Query(ge=1, le=1000, description="how many of the last")]
After = Annotated[int | None, Query(ge=0, le=2**62, description="those that came after this id, oldest first")]
Follow = Annotated[bool, Query(description="go on with those that come, as server-sent events")]
Of = Annotated[str | None, Query(max_length=200, description="those of this model alone")]
Levels = Annotated[list[EventLevel] | None, Query(description="those that are so bad alone: INFO, WARNING, ERROR")]
LastId = Annotated[str, Header(alias="Last-Event-ID", description="go on after this one")]


@router.get("/events", summary="Events of all models", response_model=EventPage, responses=followed(ModelEvent))
async def all_events(
    request: Request,
    limit: Limit = 100,
    after: After = None,
    follow: Follow = False,
    model_uid: Of = None,
    event_type: Levels = None,
    last_event_id: LastId = "",
) -> EventPage | Response:
    """What happened to models, oldest first, also to those that are gone: a month of it, the last 20,000.

    ``model_uid`` and ``event_type``, which may be given several times, choose among them; those that come are followed
    without a choice.
    """
    gateway = gateway_of(request)
    after = _begin(after, last_event_id)
    if follow:
        for name, value in (("model_uid", model_uid), ("event_type", event_type)):
            if value is not None:
                raise InvalidRequest(f"events are followed without {name}: leave it out", param=name)
        return _stream(gateway, None, after, limit)
    if model_uid is not None and not is_uid(model_uid):
        return {"object": "list", "data": [], "has_more": False}  # no model can be called so
    kinds = None if event_type is None else [one for one in EventKind if level_of(one) in event_type]
    rows = await gateway.database.look(
        lambda c: events.listing(c, model_uid, after=after, limit=limit + 1, kinds=kinds)
    )
    page = rows[-limit:] if after is None else rows[:limit]
    return {"object": "list", "data": [told(row) for row in page], "has_more": len(rows) > limit}


@router.get(
    "/models/{uid:uid}/events",
    summary="Events of a model",
    response_model=list[ModelEvent],
    responses=followed(ModelEvent),
)
async def model_events(
    request: Request,
    uid: Uid,
    limit: Limit = 100,
    after: After = None,
    follow: Follow = False,
    last_event_id: LastId = "",
) -> list[ModelEvent] | Response:
    """What happened to a model, oldest first, in Xinference's form, also to one that is gone: the last 1,000."""
    gateway = gateway_of(request)
    after = _begin(after, last_event_id)
    rows = await gateway.database.look(lambda c: events.listing(c, uid, limit=1)) if is_uid(uid) else []
    if not rows:
        await found(gateway, uid)
    if follow:
        return _stream(gateway, uid, after, limit)
    rows = await gateway.database.look(lambda c: events.listing(c, uid, after=after, limit=limit))
    return [told(row) for row in rows]


def level_of(kind: EventKind) -> EventLevel:
    """How bad it is, in Xinference's words."""
    return LEVELS.get(kind, "INFO")


def told(row: EventRow) -> ModelEvent:
    """An event as Xinference writes it, with ours beside that. ``by`` names a key by the beginning of its hash."""
    kind = EventKind(row.kind)
    by = f"key {row.by[:8]}" if len(row.by) == 64 else row.by
    return {
        "event_type": level_of(kind),
        "event_ts": row.at // 1000,
        "event_content": f"{row.kind.replace('_', ' ')}: {row.text}",
        "id": row.id,
        "kind": kind,
        "model_uid": row.uid,
        "replica_id": row.replica,
        "text": row.text,
        "reasons": row.data.get(REASONS_OF, []),
        "by": by or None,
        "data": {name: value for name, value in row.data.items() if name not in (ASKED, REASONS_OF)},
        "at_ms": row.at,
    }


def _begin(after: int | None, last_event_id: str) -> int | None:
    """The id to go on after; a browser that reconnects names the last that it has."""
    if last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19:
        return int(last_event_id)
    return after


def _stream(gateway: Gateway, uid: str | None, after: int | None, limit: int) -> Response:
    content = _follow(gateway, uid, after, limit)
    return ServerSent(content)


async def _follow(gateway: Gateway, uid: str | None, after: int | None, limit: int) -> AsyncIterator[ServerSentEvent]:
    """Without ``after`` the last ``limit``, then all that come."""
    held = gateway.shared.of(("events", uid), lambda: EventTail(gateway.database, uid))
    with suppress(DatabaseUnavailable), held as tail:  # who wants to know more asks again
        newest = await tail.newest()  # read first: what comes while we read those before it is in the tail
        last = after or 0
        async for row in _before(gateway, tail, uid, after, limit):
            last = row.id
            yield _sent(row)
        last = max(last, newest)
        while True:
            await asyncio.sleep(LOOK_S)
            for row in await tail.after(last, LOOK_S):
                last = row.id
                yield _sent(row)


async def _before(
    gateway: Gateway, tail: EventTail, uid: str | None, after: int | None, limit: int
) -> AsyncIterator[EventRow]:
    """The last ``limit`` events; with ``after`` all that came after this id until now."""
    if after is None:
        for row in await gateway.database.look(lambda c: events.listing(c, uid, limit=limit)):
            yield row
        return
    while True:
        rows = await tail.before(after)
        for row in rows:
            after = row.id
            yield row
        if len(rows) < PAGE:
            return


def _sent(row: EventRow) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(told(row)), event=row.kind, id=str(row.id))
