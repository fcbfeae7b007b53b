"""What the modalities of images and sound share. They are served as jobs alone, never as synchronous requests.

A request's files (an image to edit, a recording) are not in its body: the gateway stores them, and the engine gets
paths. An engine answers with one ``Outcome``: plain data, and artifacts that the runner stores.

``render(request, body, link, read)`` of such a module makes the ``Answer`` in the format that the request asked for:
``body`` is the outcome's, ``link(name)`` a signed URL of an artifact, ``read(name)`` its bytes. It may block.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from pydantic import Field, field_validator

from models.modalities.json_object import JsonObject
from models.unicode import refuse_broken

_FURTHER = re.compile(r"(\w+)\.(\d{1,2})")


def further(name: str, number: int) -> str:
    """The name of a file of which several are sent: ``image``, then ``image.1``, ``image.2``."""
    return f"{name}.{number}" if number else name


def first_of(name: str) -> str:
    """The name of the first of the files that this one is one of."""
    found = _FURTHER.fullmatch(name)
    return found[1] if found else name


def referred(value: Any) -> Any:
    """What refers to a file, taken out of the object that OpenAI puts around it; else the value."""
    if isinstance(value, dict):
        named = [value[key] for key in ("image_url", "file_id", "url") if value.get(key) is not None]
        if len(value) == len(named) == 1:
            return named[0]
    return value


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that an engine made. ``name`` is unique within its job."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a job: ``body`` is plain JSON, which refers to artifacts by their names."""

    body: dict[str, Any]
    artifacts: list[Artifact] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer that a client gets for a finished job; ``warning``: what is missing in it, in ASCII.

    ``ignored``: the fields of the request that had no effect on the model, as the header ``x-headrace-ignored`` names
    them.
    """

    content: bytes
    media_type: str = "application/json"
    warning: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the answer has of its own."""
        return {"X-Headrace-Warning": self.warning} if self.warning else {}


class Streamer(Protocol):
    """``Stream(request)`` of a media modality's module: makes the bytes that a client reads from an engine's pieces."""

    media_type: str

    def piece(self, data: bytes) -> bytes:
        """The bytes for one piece, which is as the engine gave it to ``MediaSink.piece``."""

    def end(self, body: dict[str, Any]) -> bytes:
        """The bytes that follow the last piece. ``body``: the outcome's."""


class MediaRequest(JsonObject):
    """Base of the bodies.

    ``PLATFORM`` names the fields that Headrace itself honours, whatever the engine.
    """

    PLATFORM: ClassVar[frozenset[str]] = frozenset({"model", "user", "stream", "response_format", "background"})

    model: str = Field(min_length=1, max_length=256, description="uid of the model that answers")
    user: str | None = Field(None, max_length=512)

    @field_validator("*", mode="before")
    @classmethod
    def _unicode(cls, value: Any) -> Any:
        return refuse_broken(value, nul=True)

    @property
    def streams(self) -> bool:
        """Whether the client is sent the answer as it is made, through the module's ``Stream``."""
        return bool(getattr(self, "stream", False))

    @property
    def answers_json(self) -> bool:
        """Whether the whole answer is JSON."""
        return True

    @property
    def unenforced(self) -> tuple[str, ...]:
        """The fields that have no effect on the answer, though they ask for something. See ``BaseRequest``."""
        return ()

    def check_files(self, names: Collection[str]) -> None:
        """Raise InvalidRequest if the request makes no sense with the files of these names."""

    def asked(self) -> set[str]:
        """The fields in which the client asks for something: they are set, and not the default."""
        fields = type(self).model_fields
        return {name for name in self.model_fields_set if getattr(self, name) not in (None, fields[name].default)}
