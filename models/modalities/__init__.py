"""The registry of modalities and of kinds.

A modality is a name and the module that describes it, loaded when first used. A kind is the name of an endpoint that
may be a job; each is a modality's. An engine serves a modality by having a method of that name.

The module of a modality that is answered at once offers ``Request`` (a pydantic model of the body) and ``Reply``
(what the runner writes to the client). A media modality's offers ``Request`` and ``render`` (what the gateway answers
once the job is done). Another protocol over a modality is one too: its ``Request.inner()`` is what the engine is asked.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from models.modalities.base import BaseRequest, Usage
from models.modalities.media import MediaRequest
from models.modalities.text import Delta


@dataclass(frozen=True, slots=True)
class ModalityFacts:
    """What the platform knows of a modality before it loads its module.

    ``through`` is the modality that an engine must serve for it, where it is another protocol. ``ability`` is
    Xinference's word for it. ``media``: served as jobs alone. ``only_model``: a request need not name its model where
    one alone serves it, for programs that were written for others name none.
    """

    module: str
    through: str = ""
    ability: str = ""
    media: bool = False
    only_model: bool = False


MODALITIES: dict[str, ModalityFacts] = {
    "chat": ModalityFacts("models.modalities.chat", ability="chat"),
    "completions": ModalityFacts("models.modalities.completions", ability="generate"),
    "detokenize": ModalityFacts("models.modalities.detokenize"),
    "embeddings": ModalityFacts("models.modalities.embeddings", ability="embed"),
    "images": ModalityFacts("models.modalities.images", ability="text2image", media=True, only_model=True),
    "messages": ModalityFacts("models.modalities.messages", through="chat"),
    "messages_count": ModalityFacts("models.modalities.messages.count", through="tokenize"),
    "rerank": ModalityFacts("models.modalities.rerank", ability="rerank"),
    "responses": ModalityFacts("models.modalities.responses", through="chat"),
    "responses_count": ModalityFacts("models.modalities.responses.count", through="tokenize"),
    "speech": ModalityFacts("models.modalities.speech", ability="text2audio", media=True),
    "tokenize": ModalityFacts("models.modalities.tokenize"),
    "transcription": ModalityFacts("models.modalities.transcription", ability="audio2text", media=True),
}

THROUGH = {name: one.through for name, one in MODALITIES.items() if one.through}
"""Modalities that are other protocols: name → the modality that an engine must serve for it."""

MEDIA = frozenset(name for name, one in MODALITIES.items() if one.media)
"""Served as jobs alone."""


@dataclass(frozen=True, slots=True)
class Kind:
    """An endpoint that may be a job: its path under ``/v1/``, and the modality that serves it.

    ``files`` are the names of its files, and whether each must be there; ``fixed`` the fields that the endpoint sets.
    """

    path: str
    modality: str
    files: dict[str, bool] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)


KINDS: dict[str, Kind] = {
    "chat.completions": Kind("chat/completions", "chat", fixed={"stream": False}),
    "completions": Kind("completions", "completions", fixed={"stream": False}),
    "messages": Kind("messages", "messages", fixed={"stream": False}),
    "responses": Kind("responses", "responses", fixed={"stream": False}),
    "embeddings": Kind("embeddings", "embeddings"),
    "rerank": Kind("rerank", "rerank"),
    "images.generations": Kind("images/generations", "images"),
    "images.edits": Kind("images/edits", "images", {"image": True, "mask": False}),
    "images.variations": Kind("images/variations", "images", {"image": True}),
    "images.inpainting": Kind("images/inpainting", "images", {"image": True, "mask": True}),
    "audio.transcriptions": Kind("audio/transcriptions", "transcription", {"file": True}),
    "audio.translations": Kind("audio/translations", "transcription", {"file": True}, {"translate": True}),
    "audio.speech": Kind("audio/speech", "speech"),
}


class Reply(Protocol):
    """Turns an engine's events into the bytes the client reads. Server-sent events end with a blank line."""

    def start(self) -> bytes:
        """Events that precede the first token; empty where the protocol has none."""

    def delta(self, delta: Delta) -> bytes:
        """The events of one delta of a streamed answer; empty when the answer is not streamed."""

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """What closes the answer: the last events and ``[DONE]``, or the whole JSON answer.

        ``result`` is what the engine found, where a modality has no deltas: each says what.
        """


class Modality(NamedTuple):
    """A modality as the rest of the platform uses it."""

    name: str
    request: type[BaseRequest] | type[MediaRequest]
    reply: Any  # Callable[[str, BaseRequest, int], Reply]: rid, request, created (Unix seconds); None for media


def module_of(name: str) -> ModuleType:
    """The module that describes this modality; KeyError if there is none."""
    return import_module(MODALITIES[name].module)


@cache
def modality(name: str) -> Modality:
    """The modality of this name; KeyError if there is none."""
    module = module_of(name)
    return Modality(name, module.Request, getattr(module, "Reply", None))


def served_by(name: str) -> str:
    """The modality that an engine must serve, to serve this one."""
    return THROUGH.get(name, name)
