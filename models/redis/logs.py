"""What the runners of a model write to stderr: its last lines, in a capped Redis stream for each model.

If Redis loses its data, the lines are lost, and nothing else.
"""

from typing import Any

import msgspec
import redis

MOST_LINES = 1000
KEEP_S = 7 * 24 * 3600
"""How long after the last line; a model that is terminated takes its lines along."""


class Line(msgspec.Struct, frozen=True):
    """One line, without its end. ``at_ms``: when it was read, in milliseconds since 1970."""

    replica: str
    at_ms: int
    text: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Line).decode


def log_key(uid: str) -> str:
    """The key of a model's stream."""
    return f"headrace:model:{uid}:log"


def append(pipeline: "redis.client.Pipeline", uid: str, line: Line) -> None:
    """Add to the pipeline: a line of a model's log."""
    key = log_key(uid)
    pipeline.xadd(key, {"l": _encode(line)}, maxlen=MOST_LINES, approximate=False)
    pipeline.expire(key, KEEP_S)


def read(entries: Any) -> list[tuple[str, Line]]:
    """The lines in the answer to an XRANGE, each with its id."""
    return [(entry.decode(), _decode(fields[b"l"])) for entry, fields in entries]
