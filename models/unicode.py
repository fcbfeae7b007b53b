"""Refuses what JSON can carry but databases and serializers cannot: lone surrogates, NUL, NaN, huge integers, depth."""

from typing import Any

from pydantic_core import PydanticCustomError

DEEPEST = 100
"""Most levels of nesting in a value. Serializers fail at somewhat more."""


def refuse_broken(value: Any, *, nul: bool) -> Any:
    """The value, if it can be stored and sent as JSON. Raises PydanticCustomError, for use in a validator.

    Every string in it must be valid Unicode, and without NUL unless ``nul``; every number finite and within 64 bits;
    and it must not be too deep.
    """
    level = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below.extend(one.keys())
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
            elif isinstance(one, str):
                _check(one, nul=nul)
            elif isinstance(one, int | float) and not -(1 << 63) <= one < 1 << 63:  # NaN compares as false
                raise PydanticCustomError("invalid_value", "a number is not finite, or does not fit in 64 bits")
        if not below:
            return value
        level = below
    raise PydanticCustomError("invalid_value", "it is nested too deeply")


def _check(text: str, *, nul: bool) -> None:
    if not nul and "\0" in text:
        raise PydanticCustomError("invalid_value", "a string holds a NUL character")
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PydanticCustomError("invalid_value", "a string is not valid Unicode") from error


def storable(text: str) -> bool:
    """Whether a database takes this string."""
    try:
        refuse_broken(text, nul=False)
    except PydanticCustomError:
        return False
    return True
