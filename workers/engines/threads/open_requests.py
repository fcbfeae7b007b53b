"""The requests of an engine that have not ended yet, and how they are aborted."""

from collections.abc import Callable
from typing import Generic, TypeVar

from workers.engines.threads.side_answers import SideAnswers

Request = TypeVar("Request")


class OpenRequests(Generic[Request]):
    """Requests by id. All methods belong to the event loop.

    ``end`` must stop a request's computation and call ``remove``. ``side_answers`` are answered beside these requests,
    under ids of their own.
    """

    def __init__(self, side_answers: SideAnswers, end: Callable[[Request], None]) -> None:
        self.aborts = 0
        self._side_answers = side_answers
        self._end = end
        self._open: dict[str, Request] = {}

    def add(self, rid: str, request: Request) -> None:
        """This request has begun."""
        self._open[rid] = request

    def remove(self, rid: str) -> None:
        """This request has ended. Unknown ids are ignored."""
        self._open.pop(rid, None)

    def abort(self, rid: str) -> None:
        """See ``Engine.abort``."""
        self._side_answers.abort(rid)
        request = self._open.get(rid)
        if request is not None:
            self._end(request)
            self.aborts += 1

    def end_all(self) -> None:
        """End every request, as ``Engine.close`` does."""
        for request in list(self._open.values()):
            self._end(request)
