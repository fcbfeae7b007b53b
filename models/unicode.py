"""Strings that JSON can carry and the rest of the world cannot: lone surrogates, and NUL for databases."""

from typing import Any

from pydantic_core import PydanticCustomError


def refuse_broken(value: Any, *, nul: bool) -> Any:
    """The value, if every string in it is valid Unicode, and without NUL unless ``nul``.

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
