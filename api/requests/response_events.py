"""The events of a response that is made in the background, from any of them on, read from the events of its job."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from api.gateway.gateway import Gateway
from api.requests.server_sent import ServerSent
from models.errors import Cancelled, HeadraceError, NotFound, ReplicaLost
from models.modalities.responses import Request, response_object
from models.modalities.responses.writer import error_event, next_number, queued
from models.redis import events
from models.rows import jobs, responses
from models.rows.records import JobRow
from models.rows.states import JobState


class EventStream(ServerSent):
    """Server-sent events of the response that this job makes: those after number ``after``, or all."""

    def __init__(
        self, gateway: Gateway, row: JobRow, *, after: int | None, headers: dict[str, str] | None = None
    ) -> None:
        content = _Events(gateway, row, 0 if after is None else after + 1).read()
        super().__init__(content, headers or {})


class _Events:
    def __init__(self, gateway: Gateway, row: JobRow, begin: int) -> None:
        self._gateway = gateway
        self._row = row
        self._resumed = begin > 0
        self._due = begin  # the number that comes next
        self._fence = 0  # of the attempt that is read

    async def read(self) -> AsyncIterator[bytes]:
        try:
            request, id = Request.model_validate(self._row.request), responses.response_of(self._row.id)
            about = response_object(request, id, self._row.queued_at // 1000)
            for one in queued(about):
                for piece in self._those_due(one):
                    yield piece
            over = False
            async with aclosing(self._gateway.watching.follow(self._row.id)) as followed:
                async for _, event in followed:
                    if event.type == events.TEXT and self._counts(event.fence):
                        for piece in self._those_due(event.blob):
                            over = piece.startswith((b"event: response.completed", b"event: response.incomplete"))
                            yield piece
            if not over:
                await self._explain()
        except HeadraceError as error:
            yield error_event(error, self._due)

    def _counts(self, fence: int) -> bool:
        """Whether the events of this attempt are to be read. Those of an attempt that was lost before are not.

        Raises ReplicaLost where events of an earlier attempt were read already, which are not valid any more.
        """
        lost = fence < self._row.fence
        if (lost and self._resumed) or (not lost and fence != (self._fence or fence)):
            raise ReplicaLost("its replica was lost, and it is made anew: read it from the beginning")
        self._fence = self._fence if lost else fence
        return not lost

    def _those_due(self, data: bytes) -> list[bytes]:
        """The events in ``data`` that come next. Raises ReplicaLost where some before them are missing."""
        due = []
        for block in data.split(b"\n\n")[:-1]:
            number = next_number(block) - 1
            if number > self._due:
                raise ReplicaLost(f"the events from {self._due} on are not kept any more: ask without 'stream'")
            if number == self._due:
                self._due += 1
                due.append(block + b"\n\n")
        return due

    async def _explain(self) -> None:
        """Raise the error that explains why the events ended before the response was complete."""
        row = await self._gateway.database.look(jobs.get, self._row.id, None)
        if row.state == JobState.SUCCEEDED:
            raise NotFound("the events that are left are not kept any more: ask without 'stream'")
        if row.state == JobState.CANCELLED:
            raise Cancelled("the response was cancelled")
        raise HeadraceError.from_row(row.error)
