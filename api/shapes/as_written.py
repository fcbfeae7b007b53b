"""Routes whose answers are written as they are: what they look like, the annotation says, for mypy and the document."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute


class AsWritten(APIRoute):
    """A route that documents the type of its answer, and sends the answer unchanged.

    FastAPI would check at every request what mypy has checked, answer 500 where a row of an earlier version lacks a
    field, and leave out what a newer worker tells.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, _answering(endpoint, options.get("status_code") or 200), **options)


def _answering(endpoint: Callable[..., Awaitable[Any]], status: int) -> Callable[..., Awaitable[Response]]:
    @wraps(endpoint)
    async def answer(*args: Any, **values: Any) -> Response:
        value = await endpoint(*args, **values)
        return value if isinstance(value, Response) else JSONResponse(value, status)

    return answer
