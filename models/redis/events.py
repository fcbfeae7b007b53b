"""The events of a running job, in a capped Redis stream for each job, which any gateway can read from any place on.

The states of a job are not in that stream, but in its row: those who watch are only notified that it has changed. So a
job without other events leaves nothing in Redis. If Redis loses its data, only events are lost, never a job or its
result.
"""

from typing import Any

import msgspec
import redis
import redis.asyncio

from models.rows.states import FINAL

MAX_EVENTS = 1000
MAX_TEXTS = 10_000
"""Most events of a text that is streamed while it is made in the background: a quarter of an hour of it."""
KEEP_S = 24 * 3600
KEEP_OVER_S = 300
"""How long the events of a job that is over can be read again."""

STATE, PROGRESS, PREVIEW, PIECE, TEXT, LOG = "state", "progress", "preview", "piece", "text", "log"
WARNING = "warning"


class Event(msgspec.Struct, frozen=True):
    """One event. ``fence`` is the attempt that it belongs to, 0 for none; ``blob`` are bytes that JSON cannot hold."""

    type: str
    fence: int = 0
    data: dict[str, Any] = {}
    blob: bytes = b""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Event).decode


def stream_key(job: str) -> str:
    """The key of the job's stream."""
    return f"headrace:job:{job}:events"


def channel(job: str) -> str:
    """The channel on which those who watch the job are notified of its events; a message is the type of the event."""
    return f"headrace:job:{job}"


def publish_event(pipeline: "redis.client.Pipeline | redis.asyncio.client.Pipeline", job: str, event: Event) -> None:
    """Add to the pipeline: the event, for the job's stream, unless it is a state; and a message to those who watch."""
    key = stream_key(job)
    if event.type != STATE:
        most = MAX_TEXTS if event.type == TEXT else MAX_EVENTS
        pipeline.xadd(key, {"e": _encode(event)}, maxlen=most, approximate=True)
        pipeline.expire(key, KEEP_S)
    elif event.data["state"] in FINAL:
        pipeline.expire(key, KEEP_OVER_S)
    pipeline.publish(channel(job), event.type)


def read(entries: Any) -> list[tuple[str, Event]]:
    """The events in the answer to an XRANGE, each with its id."""
    return [(entry.decode(), _decode(fields[b"e"])) for entry, fields in entries]
