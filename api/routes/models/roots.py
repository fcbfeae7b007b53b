"""The folders that weights on this machine may be in, where an operator has set them (HEADRACE_MODEL_ROOTS)."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.errors import InvalidRequest
from models.launching import hub

_NO_PATHS = ("stop", "prompts", "default_prompt", "relevant_token", "irrelevant_token")
"""Options that are texts, whatever they begin with."""
_TEMPLATES = ("chat_template", "pair_template")
"""Options that are a template where they have a brace."""


def refuse_outside(text: str, roots: Sequence[Path], param: str | None) -> None:
    """Raise InvalidRequest for a path, or a ``file:`` URL, that leads out of all roots. Without roots all is allowed.

    Links are followed on this machine.
    """
    if not roots or not text.startswith(("/", "file:")):
        return
    try:
        path = Path(os.path.realpath(hub.parse(text).name))
    except InvalidRequest as error:
        raise InvalidRequest(error.message, param=param) from error
    if not any(path.is_relative_to(os.path.realpath(root)) for root in roots):
        raise InvalidRequest(
            f"{text[:200]} is in none of the folders that weights may be in (HEADRACE_MODEL_ROOTS)", param=param
        )


def refuse_options(options: Mapping[str, Any], roots: Sequence[Path]) -> None:
    """Raise InvalidRequest where an option of an engine names a path that leads out of all roots."""
    if not roots:
        return
    for name, value in options.items():
        if name in _NO_PATHS or (name in _TEMPLATES and isinstance(value, str) and "{" in value):
            continue
        for text in _texts([value]):
            if ".." in Path(text[:4096]).parts:
                raise InvalidRequest(f"the option '{name}' names a path with '..'", param=name)
            refuse_outside(text, roots, name)


def _texts(values: Iterable[Any]) -> Iterator[str]:
    """The texts in values of JSON, the paths among them, and what is no path."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _texts([*value.keys(), *value.values()])
        elif isinstance(value, list | tuple):
            yield from _texts(value)
