"""The registry of modalities and of kinds.

A modality is a name and the module that describes it, which is loaded when it is first used. A kind is the name of an
endpoint whose requests may be jobs; each kind belongs to a modality. An engine serves a modality by having a method of
that name. Used by gateway, steward, worker and runner.

The module of a modality that is answered at once has ``Request`` (a pydantic model of the body) and ``Reply`` (which
makes the bytes that the client reads). The module of a media modality has ``Request`` and ``render`` (which makes the
answer once the job is done). Another protocol over a modality is a modality, too: its ``Request.inner()`` is what the
engine is asked.

Doors: ``MODALITIES``, ``KINDS`` and ``modality`` here; ``base``, ``text``, ``media`` and ``structure`` have what
several modalities share.
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

    ``through``: where it is another protocol, the modality that the engine must serve. ``ability``: Xinference's word
    for it. ``media``: it is served as jobs alone. ``only_model``: where only one model serves it, a request need not
    name the model, because programs that were written for other servers do not.
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
    "score": ModalityFacts("models.modalities.rerank.score", through="rerank"),
    "speech": ModalityFacts("models.modalities.speech", ability="text2audio", media=True),
    "tei_rerank": ModalityFacts("models.modalities.rerank.tei", through="rerank", only_model=True),
    "tokenize": ModalityFacts("models.modalities.tokenize"),
    "transcription": ModalityFacts("models.modalities.transcription", ability="audio2text", media=True),
    "videos": ModalityFacts("models.modalities.videos", ability="text2video", media=True, only_model=True),
}

THROUGH = {name: one.through for name, one in MODALITIES.items() if one.through}
"""Modalities that are other protocols: name → the modality that an engine must serve for it."""

MEDIA = frozenset(name for name, one in MODALITIES.items() if one.media)
"""Modalities that are served as jobs alone."""


@dataclass(frozen=True, slots=True)
class Kind:
    """An endpoint whose requests may be jobs: its path under ``/v1/``, and the modality that serves it.

    ``files`` are the names of its files, and whether each must be there; ``fixed`` the fields that the endpoint sets;
    ``other_names`` what OpenAI or Xinference call a file, and our name of it.
    """

    path: str
    modality: str
    files: dict[str, bool] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    other_names: dict[str, str] = field(default_factory=dict)

    def file_of(self, name: str) -> str | None:
        """The name of the file that a field of this name is; None where it is another field."""
        known = self.other_names.get(name, name)
        return known if known in self.files else None


_PICTURES = {"images": "image", "mask_image": "mask"}
_FRAMES = {"input_reference": "image", "first_frame": "image", "last_frame": "last_image"}


KINDS: dict[str, Kind] = {
    "chat.completions": Kind("chat/completions", "chat", fixed={"stream": False}),
    "completions": Kind("completions", "completions", fixed={"stream": False}),
    "messages": Kind("messages", "messages", fixed={"stream": False}),
    "responses": Kind("responses", "responses", fixed={"stream": False}),
    "embeddings": Kind("embeddings", "embeddings"),
    "rerank": Kind("rerank", "rerank"),
    "images.generations": Kind("images/generations", "images"),
    "images.edits": Kind(
        "images/edits", "images", {"image": True, "mask": False, "control_image": False}, other_names=_PICTURES
    ),
    "images.variations": Kind("images/variations", "images", {"image": True}, other_names=_PICTURES),
    "images.inpainting": Kind("images/inpainting", "images", {"image": True, "mask": True}, other_names=_PICTURES),
    "audio.transcriptions": Kind("audio/transcriptions", "transcription", {"file": True}),
    "audio.translations": Kind("audio/translations", "transcription", {"file": True}, {"translate": True}),
    "audio.speech": Kind("audio/speech", "speech"),
    "videos.generations": Kind("videos", "videos", {"image": False, "last_image": False}, other_names=_FRAMES),
}


def kinds_like(name: str) -> list[str]:
    """The kinds that a name stands for: that kind alone, or all that begin with it, as ``images``; empty for none."""
    return [name] if name in KINDS else [kind for kind in KINDS if kind.startswith(f"{name}.")]


class Reply(Protocol):
    """Makes the bytes that the client reads from an engine's deltas. Server-sent events end with a blank line."""

    def start(self) -> bytes:
        """The events before the first token; empty where the protocol has none."""

    def delta(self, delta: Delta) -> bytes:
        """The events of one delta of a streamed answer; empty when the answer is not streamed."""

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """What closes the answer: the last events and ``[DONE]``, or the whole JSON answer.

        ``result`` is the engine's result in modalities without deltas; each modality documents its type.
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
    """The modality that an engine must serve so that this one can be served."""
    return THROUGH.get(name, name)
