"""Every object in a body: its fields, and those that nobody here has heard of.

Programs send fields of other servers and of later versions of a protocol. Those are taken, and given back by name, so
that whoever reads the body can say which were ignored, or refuse them.
"""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from models.errors import UnknownParameter

MOST_COMPARED = 32
"""Most unknown fields of a body whose names are compared with the known ones, which takes 0.1 ms each."""
CLOSE = 0.87
"""How alike two names must be for one to be a misspelling of the other: 1 letter in 8 of them."""

_INDEX = re.compile(r"\[\d+\]")


class JsonObject(BaseModel):
    """Base of the objects in a body. A field that is null counts as not given, wherever it need not be given.

    Fields that it does not have are set aside: ``take_unknown`` lists and removes them. ``SISTERS`` maps names that
    sister protocols have for its fields: who writes one of them means it.
    """

    SISTERS: ClassVar[dict[str, str]] = {}

    model_config = ConfigDict(extra="allow", protected_namespaces=(), serialize_by_alias=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        """The object without what is null: clients send null for what their users left out."""
        if not isinstance(value, dict) or None not in value.values():
            return value
        required = _required(cls)
        return {name: one for name, one in value.items() if one is not None or name in required}


def take_unknown(body: BaseModel, *, strict: bool) -> tuple[str, ...]:
    """Remove from a body, at every depth, the fields that are not known, and return their paths, each once.

    The paths have no places in lists: ``messages[].cache_control``. Raises UnknownParameter for a name that is nearly a
    known one, and with ``strict`` for any.
    """
    unknown = list(_unknown(body))
    if strict and unknown:
        path, _, _ = unknown[0]
        raise UnknownParameter(f"unknown parameter: '{path}'", param=path)
    compared: set[tuple[type[JsonObject], str]] = set()
    for path, holder, name in unknown:
        if len(compared) < MOST_COMPARED and (type(holder), name) not in compared:
            compared.add((type(holder), name))
            if (known := _meant(type(holder), name)) is not None:
                raise UnknownParameter(f"unknown parameter: '{path}'; did you mean '{known}'?", param=path)
    for _, holder, name in unknown:
        assert holder.model_extra is not None  # where it came from
        del holder.model_extra[name]
        holder.model_fields_set.discard(name)
    return tuple(dict.fromkeys(_INDEX.sub("[]", path) for path, _, _ in unknown))


def _unknown(body: BaseModel) -> Iterator[tuple[str, JsonObject, str]]:
    """The unknown fields: the path of each, the object that has it, and its name."""
    for path, holder in objects(body):
        if isinstance(holder, JsonObject) and holder.model_extra:
            before = f"{path}." if path else ""
            yield from [(before + name, holder, name) for name in holder.model_extra]


def objects(value: Any, path: str = "") -> Iterator[tuple[str, BaseModel]]:
    """The objects in a body in the order in which they are read, and the path of each; that of the body is empty."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from objects(item, f"{path}[{number}]")
    elif isinstance(value, BaseModel):
        yield path, value
        before = f"{path}." if path else ""
        for name, wire in _holders(type(value)):
            if (inner := getattr(value, name)) is not None:
                yield from objects(inner, before + wire)


def _meant(cls: type[JsonObject], name: str) -> str | None:
    """The field that this name probably means: as a sister protocol has it, or misspelt; or None."""
    return cls.SISTERS.get(name) or meant(name, _names(cls))


def meant(name: str, names: Iterable[str]) -> str | None:
    """The one of the names of which this is probably a misspelling, as ``maxTokens`` of ``max_tokens``; or None."""
    folded = {_folded(known): known for known in names}
    likely = [known for known in folded if abs(len(known) - len(_folded(name))) <= 2]  # the others are not alike
    swapped = [known for known in likely if sorted(known) == sorted(_folded(name))]  # two letters, in a short name
    near = swapped or get_close_matches(_folded(name), likely, 1, CLOSE)
    return folded[near[0]] if near else None


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


@cache
def _names(cls: type[BaseModel]) -> tuple[str, ...]:
    """The fields as clients write them."""
    return tuple(about.alias or name for name, about in cls.model_fields.items())


@cache
def _required(cls: type[BaseModel]) -> frozenset[str]:
    """The fields that must be given, as clients write them."""
    return frozenset(about.alias or name for name, about in cls.model_fields.items() if about.is_required())


@cache
def _holders(cls: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """The fields that may hold objects: their names, and as clients write them. A list of numbers is not looked at."""
    return tuple(
        (name, about.alias or name) for name, about in cls.model_fields.items() if _holds_objects(about.annotation)
    )


def _holds_objects(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return any(_holds_objects(one) for one in get_args(annotation))
