"""The registry of modalities: a name, and the module that describes it (loaded when first used).

A modality module offers ``Request`` (a pydantic model of the body) and ``Reply`` (what the runner writes to
the client). An engine serves a modality by having a method of that name.
"""

from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from models.modalities.text import Delta, TextRequest, Usage

MODALITIES: dict[str, str] = {
    "chat": "models.modalities.chat",
    "completions": "models.modalities.completions",
}


class Reply(Protocol):
    """Turns an engine's events into the bytes the client reads. Server-sent events end with a blank line."""

    def start(self) -> bytes:
        """Events that precede the first token; empty where the protocol has none."""

    def delta(self, delta: Delta) -> bytes:
        """The events of one delta of a streamed answer; empty when the answer is not streamed."""

    def end(self, usage: Usage) -> bytes:
        """What closes the answer: the last events and ``[DONE]``, or the whole JSON answer."""


class Modality(NamedTuple):
    """A modality as the rest of the platform uses it."""

    name: str
    request: type[TextRequest]
    reply: Any  # Callable[[str, TextRequest, int], Reply]: rid, request, created (Unix seconds)


@cache
def modality(name: str) -> Modality:
    """The modality of this name; KeyError if there is none."""
    module = import_module(MODALITIES[name])
    return Modality(name, module.Request, module.Reply)
