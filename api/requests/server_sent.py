"""Answers that are streams of server-sent events: kept alive by comments, and kept by no cache."""

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any

from sse_starlette import EventSourceResponse

PING_S = 10


class ServerSent(EventSourceResponse):
    """Server-sent events, with a comment after each ``PING_S`` seconds of silence."""

    def __init__(self, content: AsyncIterator[Any], headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(content, ping=PING_S, sep="\n", headers={"Cache-Control": "no-store", **headers})
