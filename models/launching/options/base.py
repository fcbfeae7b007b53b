"""What all classes of options have in common."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import InvalidRequest


class Options(BaseModel):
    """Base of an engine's launch options: an unknown option is refused."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    @classmethod
    def read(cls, options: Mapping[str, Any], beside: Collection[str] = ()) -> Self:
        """The options of a launch. Raises InvalidRequest, with the option at fault as its parameter.

        ``beside``: what a launch may have that is no option of an engine; a misspelt one may be meant.
        """
        try:
            return cls.model_validate(options)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            if first["type"] == "extra_forbidden":
                hint = did_you_mean(name, [*cls.model_fields, *beside])
                rest = hint or f"; it has {', '.join(sorted(cls.model_fields))}"
                raise InvalidRequest(f"the engine has no option '{name}'{rest}", param=name) from error
            raise InvalidRequest(f"the engine's option '{name}': {first['msg']}", param=name) from error


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What a message says of the nearest name that there is; "" where none is near."""
    found = get_close_matches(name, list(known), 1)
    return f"; did you mean '{found[0]}'?" if found else ""
