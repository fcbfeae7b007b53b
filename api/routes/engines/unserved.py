"""What Xinference's clients may ask for, and is not served here: said so, where a path would not be there."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect

from models.errors import NotFound

router = APIRouter(tags=["models"])

_OPTIONS = "options are changed by terminating a model and launching it anew; PATCH /v1/models/{uid} changes keep_alive"
_PROCESSES = (
    "processes are not replaced over HTTP: what ends is started anew by itself; restart `headrace up` for a release"
)
_WRITTEN = (
    "launches are written down as they are made, and are not changed after that: GET /v1/launch_history lists them"
)
_REQUEST = (
    "a request ends when its connection is closed; a job by POST /v1/jobs/{id}/cancel, and GET shows its progress"
)

UNSERVED = {
    "POST /v1/images/ocr": "models for OCR alone are not served: ask a model that sees, in a message with image_url",
    "POST /v1/flexible/infers": "models of type flexible are not served: no code of a launcher is run",
    "POST /v1/audio/embeddings": "embeddings of voices are not served: no engine here tells speakers apart",
    "POST /v1/worlds/generations": "models of type world are not served",
    "POST /v1/convert_ids_to_tokens": "ids become text at POST /detokenize, of a model that writes text",
    "POST /v1/models/{uid:uid}/requests/{id}/abort": f"requests are not aborted by an id: {_REQUEST}",
    "GET /v1/requests/{id}/progress": f"requests are not followed by an id: {_REQUEST}",
    "POST /v1/models/{uid:uid}/reload": f"models are not reloaded with other options: {_OPTIONS}",
    "GET /v1/models/{uid:uid}/reload": f"models are not reloaded with other options: {_OPTIONS}",
    "GET /v1/models/{uid:uid}/reload/config": f"models are not reloaded with other options: {_OPTIONS}",
    "POST /v1/api/relaunch": _PROCESSES,
    "GET /v1/api-relaunches": _PROCESSES,
    "GET /v1/api-relaunches/{id}": _PROCESSES,
    "POST /v1/supervisor/relaunch": _PROCESSES,
    "GET /v1/supervisor-relaunches": _PROCESSES,
    "GET /v1/supervisor-relaunches/{id}": _PROCESSES,
    "POST /v1/workers/{address}/relaunch": _PROCESSES,
    "GET /v1/worker-relaunches": _PROCESSES,
    "GET /v1/worker-relaunches/{id}": _PROCESSES,
    "DELETE /v1/clusters": "a cluster is not stopped over HTTP: end `headrace up` and workers where they run (Ctrl-C)",
    "POST /v1/launch_history": _WRITTEN,
    "DELETE /v1/launch_history/{model_name:path}": _WRITTEN,
    "POST /token": "there are no users and passwords: send 'Authorization: Bearer KEY' with a key of HEADRACE_API_KEY",
}
"""Routes of Xinference, and what is said of each."""


def _refusing(message: str) -> Callable[[Request], Awaitable[None]]:
    async def refuse(request: Request) -> None:
        """Refuse with a 404 that says what there is instead.

        The body is read first: a client that still sends would find the connection closed, and not read the answer.
        """
        with suppress(ClientDisconnect):
            async for _ in request.stream():
                pass
        raise NotFound(message)

    return refuse


for _route, _message in UNSERVED.items():
    _method, _path = _route.split()
    router.add_api_route(_path, _refusing(_message), methods=[_method], summary="Not served", include_in_schema=False)
