"""What the bodies of all modalities but media have in common, and the count of tokens that an answer takes."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BeforeValidator, Field, Strict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from models.errors import HeadraceError
from models.modalities.json_object import JsonObject
from models.unicode import refuse_broken

_NUMBER = re.compile(r"\s*[+-]?\d{1,20}(\.\d{0,20})?([eE][+-]?\d{1,3})?\s*")
_TRUTHS = dict.fromkeys(("true", "on", "yes", "1"), True) | dict.fromkeys(("false", "off", "no", "0"), False)


def _number(value: Any) -> Any:
    """The value; where it is a string that is a number, that number. Forms have strings alone, old clients some.

    A number without a fraction is an integer, also where it is written as 5.0: Lua and R write them so.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return int(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if any(mark in value for mark in ".eE") else int(value)
    return value


def truth(value: Any) -> Any:
    """The value; where it is a string that says true or false, that. For use in a validator."""
    return _TRUTHS.get(value.strip().lower(), value) if isinstance(value, str) else value


Int = Annotated[int, Strict(), BeforeValidator(_number)]
Float = Annotated[float, Strict(), BeforeValidator(_number), Field(allow_inf_nan=False)]
Bool = Annotated[bool, Strict(), BeforeValidator(truth)]
T = TypeVar("T")


def at_most(count: int) -> BeforeValidator:
    """A validator that refuses an object of more keys before any of them is looked at."""

    def check(value: Any) -> Any:
        if isinstance(value, dict) and len(value) > count:
            raise PydanticCustomError("invalid_value", "it has more than {count} keys", {"count": count})
        return value

    return BeforeValidator(check)


Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], at_most(16), Field(max_length=16)
]
"""What a client notes for itself, as OpenAI has it."""
TokenId = Annotated[int, Strict(), Field(ge=0, lt=1 << 31)]
Several = Annotated[list[T], Field(fail_fast=True)]
"""A list that may be long. A million wrong items are one error, not a million, which would hold up everybody."""
Tokens = Several[TokenId]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written by one request, over all its choices."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0

    def to_json(self) -> dict[str, Any]:
        """OpenAI's ``usage`` object."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
        }


class BaseRequest(JsonObject):
    """Base of the bodies. A known field that is not supported is refused.

    ``INERT`` names fields of the protocol that Headrace does not implement, with those of their values that ask for
    nothing. Other values are refused with ``unsupported_parameter``, so that nothing is silently dropped. ``PLATFORM``
    names the fields that Headrace itself honours, whatever the engine. ``OUTER`` maps fields of the ``inner`` request
    to the names that this protocol has for them, where those differ.
    """

    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {}
    PLATFORM: ClassVar[frozenset[str]] = frozenset(["model", "user"])
    OUTER: ClassVar[dict[str, str]] = {}

    model: str = Field(min_length=1, max_length=256, description="uid of the model that answers")
    user: Annotated[str, Field(max_length=512)] | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _unicode(cls, value: Any) -> Any:
        return refuse_broken(value, nul=True)

    @field_validator("*")
    @classmethod
    def _inert_only(cls, value: Any, info: ValidationInfo) -> Any:
        allowed = cls.INERT.get(info.field_name or "")
        if allowed is not None and value is not None and not any(_same(value, one) for one in allowed):
            if not allowed:
                raise PydanticCustomError("unsupported_parameter", "this parameter is not supported")
            values = {"allowed": ", ".join(json.dumps(one) for one in allowed)}
            raise PydanticCustomError("unsupported_parameter", "of its values only {allowed} is supported", values)
        return value

    def asked(self) -> set[str]:
        """The fields in which the client asks for something: they are set, and neither the default nor inert."""
        fields = type(self).model_fields
        named = self.model_fields_set - self.INERT.keys()
        return {name for name in named if getattr(self, name) not in (None, fields[name].default)}

    @property
    def media(self) -> Iterator[tuple[str, Any]]:
        """The pictures and recordings in the body, each with its place: ``messages[0].content[1].image_url``."""
        return iter(())

    @property
    def media_places(self) -> list[str]:
        """The places of the ``media`` of the inner request in this body, in the same order."""
        return [place for place, _ in self.media]

    def inner(self) -> "BaseRequest":
        """The request for the engine: this one, or that of the modality which serves this one (``THROUGH``)."""
        return self

    def outward(self, error: HeadraceError) -> HeadraceError:
        """An error about the inner request, with the names of this protocol's fields and its places of media."""
        if not self.OUTER or error.param is None or "[" not in error.param:
            return self.renamed(error)
        outer = self.media_places
        inner = [place for place, _ in self.inner().media] if outer else []
        return self.renamed(error, dict(zip(inner, outer, strict=False)).get(error.param))

    def renamed(self, error: HeadraceError, place: str | None = None) -> HeadraceError:
        """An error about the inner request, with the name of this protocol's field, or with this place in this body.

        The place within a field is left out, as it means nothing in this protocol.
        """
        if not self.OUTER or error.param is None:
            return error
        field = re.split(r"[.\[]", error.param, maxsplit=1)[0]
        name = place or self.OUTER.get(field, field)
        message = error.message.replace(f"'{error.param}'", f"'{name}'").replace(f"'{field}'", f"'{name}'")
        return type(error)(message, param=name, retry_after=error.retry_after)

    @property
    def unenforced(self) -> tuple[str, ...]:
        """The paths of what the client asks for without insisting on it, and will not get. They are named to it."""
        return ()

    @property
    def left_out(self) -> tuple[str, ...]:
        """What has no effect on the answer beyond unknown fields, as the header ``x-headrace-ignored`` names it."""
        return ()

    @property
    def end_user(self) -> str:
        """The user for whom the client says that it asks; for the log."""
        return self.user or "-"

    @property
    def streams(self) -> bool:
        """Whether the client is sent the answer as it is made."""
        return bool(getattr(self, "stream", False))

    @property
    def budget(self) -> int:
        """How many tokens the answer may take, for placement."""
        return 1

    @property
    def prefix(self) -> str:
        """The beginning of the prompt: a replica that has seen the same beginning before is preferred."""
        return ""


def streaming_only(value: T, info: ValidationInfo) -> T:
    """The value. Raises PydanticCustomError, for a validator, if it is set and the answer is not to be streamed."""
    if value is not None and not info.data.get("stream"):
        raise PydanticCustomError("invalid_value", "only allowed when 'stream' is true")
    return value


class WholeReply:
    """Base of the replies that consist of ``end`` alone: nothing comes before it, and there are no deltas."""

    def __init__(self, rid: str, request: Any, created: int) -> None:
        pass

    def start(self) -> bytes:
        """Nothing."""
        return b""

    def delta(self, delta: Any) -> bytes:
        """Nothing."""
        return b""


def _same(value: Any, allowed: Any) -> bool:
    return type(value) is type(allowed) and bool(value == allowed)
