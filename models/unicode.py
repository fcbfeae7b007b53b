"""What JSON can carry and the rest of the world cannot: lone surrogates, NUL for databases, NaN, huge integers."""

from typing import Any

from pydantic_core import PydanticCustomError


def refuse_broken(value: Any, *, nul: bool) -> Any:
    """The value, if every string in it is valid Unicode, and without NUL unless ``nul``, and every number finite and

    within 64 bits.

    Raises PydanticCustomError, for use in a validator.
    """
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending.extend(one.keys())
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
        elif isinstance(one, str):
            _check(one, nul=nul)
        elif isinstance(one, int | float) and not -(1 << 63) <= one < 1 << 63:  # NaN compares as false
            raise PydanticCustomError("invalid_value", "a number is not finite, or does not fit in 64 bits")
    return value


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
