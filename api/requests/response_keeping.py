"""How a response that is answered directly is stored: before its client has read it to the end."""

import asyncio
import time

import msgspec

from api.edge.caller import Caller
from api.gateway.gateway import Gateway
from models.errors import DatabaseUnavailable, HeadraceError
from models.modalities.responses import Request, response_object
from models.modalities.responses.items import as_items, stored_items
from models.modalities.responses.writer import failure, final
from models.rows import responses
from models.rows.responses import NewResponse

_encode = msgspec.json.Encoder().encode


class _About(msgspec.Struct):
    id: str
    status: str


class ResponseRecorder:
    """Stores one response under its caller's key.

    Whether the database answers at all is asked at once, while the model begins.
    """

    def __init__(self, gateway: Gateway, request: Request, caller: Caller, aging: list[str]) -> None:
        self._response_writer = gateway.response_writer
        self._request = request
        self._caller = caller
        self._aging = aging
        self._created = int(time.time())
        self._reached = asyncio.create_task(_reach(gateway))

    async def ready(self) -> None:
        """See ``answering.AnswerRecorder``. Raises DatabaseUnavailable."""
        if not await self._reached:
            raise DatabaseUnavailable(retry_after=2)

    async def whole(self, closing: bytes) -> None:
        """See ``answering.AnswerRecorder``."""
        body = final(closing)
        about = msgspec.json.decode(body, type=_About)
        await self._keep(about.id, about.status, body)

    async def broken(self, rid: str, error: HeadraceError) -> None:
        """See ``answering.AnswerRecorder``."""
        id = f"resp_{rid}"
        body = response_object(self._request, id, self._created) | {"status": "failed", "error": failure(error)}
        await self._keep(id, "failed", _encode(body))

    async def _keep(self, id: str, status: str, body: bytes) -> None:
        given = self._request.model_dump(mode="json", exclude_unset=True, include={"input"})
        items = _encode(stored_items(as_items(given["input"]), id))
        previous = self._request.previous_response_id
        await self._response_writer.keep(NewResponse(id, self._caller.key, previous, status, items, body), self._aging)


async def _reach(gateway: Gateway) -> bool:
    """Whether the database answers."""
    try:
        await gateway.database.look(responses.reachable)
    except DatabaseUnavailable:
        return False
    return True
