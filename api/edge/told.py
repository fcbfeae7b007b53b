"""What callers who launch no models are told of failures: the reason, without the paths of our machines in it.

An engine's library names folders when it fails, so what a load failed of may name any. Administrators are told all.
"""

import json
import re
from typing import Any

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from api.edge.caller import Caller, Scope
from models.errors import HeadraceError, WireError

HIDDEN = "[path]"
"""What stands in place of a path."""
TELL_OF_MODELS = (
    *("/v1/models/", "/v1/events", "/v1/autostart/"),
    *("/v1/devices", "/v1/engines"),
)
"""Beginnings of the paths whose answers tell of what happened to models and engines here."""

_PATH = re.compile(
    r"""
    (?P<url> (?<![\w+.-]) (?!file:) [a-z][\w+.-]{0,20} :// (?!/) [^\s'"`<>]* )
  | (?P<quote>['"`]) (?:file:(?://)?|~[\w.-]*)? / (?!/|v1\b) .*? (?P=quote) (?!\w)  # to where its quotation ends
  | (?<![\w:/.~\-<)\]}%*]) (?:file:|~[\w.-]*)? /+ (?!v1\b | [\s/]) [^\s'"`<>]+ (?:
        [ ] (?= (?: [^\s/~'"`:,;]+ [ ] ){0,2} [^\s/~'"`:,;]+ / ) [^\s'"`<>]+ )*  # names with blanks in them, too
  | (?<=[\w\])]:) / (?!/) [^\s'"`<>]+  # 'error:/folder', but no 'https://'
    """,
    re.VERBOSE,
)
_DATA = re.compile(rb"^data: (\{.*\})", re.MULTILINE)
_ENDS = re.compile(r"[.,;:!?)\]}]+$")


def without_paths(text: str) -> str:
    """A text in which each absolute path of a machine is ``[path]``. Pure.

    The paths of our own API and those within a URL stay. Of a last name with blanks in it, the first word is hidden.
    """
    return _PATH.sub(_hidden, text) if "/" in text else text


def _hidden(found: re.Match[str]) -> str:
    if found["url"]:
        return found[0]
    if quote := found["quote"]:
        return f"{quote}{HIDDEN}{quote}"
    ends = _ENDS.search(found[0])
    return HIDDEN + (ends[0] if ends else "")


def told(value: Any) -> Any:
    """A value of JSON, all of whose texts are ``without_paths``. Pure."""
    if isinstance(value, str):
        return without_paths(value)
    if isinstance(value, list):
        return [told(one) for one in value]
    if isinstance(value, dict):
        return {name: told(one) for name, one in value.items()}
    return value


def told_to(caller: Caller | None, error: HeadraceError) -> HeadraceError:
    """An error as this caller is told of it. What is wrong with a request itself is told to all as it is. Pure."""
    if error.status < 500 or (caller is not None and Scope.ADMIN in caller.scopes):
        return error
    reasons = tuple(msgspec.structs.replace(one, values=told(one.values)) for one in error.reasons)
    wire = WireError(error.code, without_paths(error.message), error.param, error.retry_after, reasons)
    return HeadraceError.from_wire(wire)


class Told:
    """ASGI middleware behind the edge: what is told of models reaches those without the scope ``admin`` without paths.

    JSON and server-sent events, of which each message is taken to hold whole ones.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or not tells_of_models(scope["path"]) or _sees_all(scope):
            await self._app(scope, receive, send)
            return
        start: Message = {}
        whole = bytearray()

        async def filtered(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                if _kind(start) != "application/json":
                    await send(start)
            elif _kind(start) == "application/json":
                whole.extend(message.get("body", b""))
                if not message.get("more_body"):
                    body = _written(told(json.loads(whole))) if whole else b""
                    MutableHeaders(scope=start)["content-length"] = str(len(body))
                    await send(start)
                    await send({"type": "http.response.body", "body": body})
            else:
                body = message.get("body", b"")
                await send({**message, "body": events_told(body) if _kind(start) == "text/event-stream" else body})

        await self._app(scope, receive, filtered)


def tells_of_models(path: str) -> bool:
    """Whether the answers at this path tell of models. Replicate's predictions do not: they are their owner's."""
    return path.startswith(TELL_OF_MODELS) and not path.endswith("/predictions")


def events_told(events: bytes) -> bytes:
    """Server-sent events, whose data are JSON, without paths. Pure."""
    return _DATA.sub(lambda data: b"data: " + _written(told(json.loads(data[1]))), events)


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _sees_all(scope: Connection) -> bool:
    caller: Caller | None = getattr(HTTPConnection(scope).state, "caller", None)
    return caller is not None and Scope.ADMIN in caller.scopes


def _kind(start: Message) -> str:
    return Headers(raw=start["headers"]).get("content-type", "").partition(";")[0]
