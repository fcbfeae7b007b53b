"""How the runner asks its engine: the same for requests and for jobs.

A body is read, its request is checked, and the engine's method is found; an error on the way becomes the answer. The
sinks decide where the answer goes (``workers.runner.requests``, ``workers.runner.attempts``).
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import ValidationError

from models.errors import EngineFailure, HeadraceError, InvalidRequest
from models.modalities import Modality, modality, served_by
from models.modalities.base import BaseRequest
from models.modalities.chat.messages import MediaPart
from workers.engines.base import AnyRequest, Engine
from workers.runner.stops import Stops

log = logging.getLogger(__name__)


class Failing(Protocol):
    """What both kinds of sink have in common: they can be given an error."""

    rid: str

    def fail(self, error: HeadraceError) -> None:
        """The request cannot be finished."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the engine, which has accepted the request. ``method`` takes the request and a sink."""

    method: Callable[[Any, Any], None]
    request: AnyRequest

    @property
    def media(self) -> list[tuple[str, MediaPart]]:
        """What must be fetched before the call: the pictures and recordings of its messages, each with its place."""
        return list(self.request.media) if isinstance(self.request, BaseRequest) else []

    def into(self, sink: Any) -> None:
        """Ask the engine. It returns at once and feeds the sink (a ``Sink`` or a ``MediaSink``) later."""
        self.method(self.request, sink)


def call_of(engine: Engine[Any], name: str, request: AnyRequest, stops: Stops) -> Call:
    """The call that serves this request of the modality ``name``. ``stops``: where answers end by default.

    Some modalities are served through another one (a message is a chat): then the call is of that one.

    Raises InvalidRequest and UnsupportedParameter where the engine does not serve it.
    """
    inner = request.inner() if isinstance(request, BaseRequest) else request
    stops.into(inner, engine.honours)
    engine.check(inner)
    method = getattr(engine, served_by(name), None)
    if method is None:
        raise InvalidRequest(f"this model does not serve {name}", param="model")
    return Call(method, inner)


def read(name: str, body: Mapping[str, Any]) -> tuple[Modality, AnyRequest]:
    """Validate a body of the modality ``name``. Raises KeyError and ValidationError; use it within ``reading``."""
    shape = modality(name)
    return shape, shape.request.model_validate(body)


@contextmanager
def reading() -> Iterator[None]:
    """Turn errors of reading into InvalidRequest.

    The gateway has checked the request before, so where this happens gateway and runner are of different versions.
    """
    try:
        yield
    except (KeyError, ValidationError) as error:
        log.exception("a request cannot be read")
        raise InvalidRequest("the runner cannot read the request: it is of another version than the gateway") from error


@contextmanager
def answering(sink: Failing) -> Iterator[None]:
    """Give any error that is raised within to the sink, as the answer."""
    try:
        yield
    except HeadraceError as error:
        sink.fail(error)
    except Exception as error:  # a request's or job's life ends here, the runner's does not
        log.exception("the engine failed on %s", sink.rid)
        sink.fail(EngineFailure(f"the engine failed: {type(error).__name__}"))
