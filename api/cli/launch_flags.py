"""Flags of ``launch`` that the library of the command line would misread: ``-ev K V``, Xinference's, as ``-e v``.

They become fields of the body by Xinference's names. What of them is not supported the server refuses by name.
"""

import json
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from typer.core import TyperCommand

from api.cli.further_flags import further, options
from models.errors import InvalidRequest

_PAIRS = {
    "-ev": "envs",
    "--env": "envs",
    "-qc": "quantization_config",
    "--quantization-config": "quantization_config",
    "-ld": "image_lora_load_kwargs",
    "--image-lora-load-kwargs": "image_lora_load_kwargs",
    "-fd": "image_lora_fuse_kwargs",
    "--image-lora-fuse-kwargs": "image_lora_fuse_kwargs",
}
_ADAPTERS = ("image_lora_load_kwargs", "image_lora_fuse_kwargs")
_LISTS = {
    "-vp": "virtual_env_packages",
    "--virtual-env-package": "virtual_env_packages",
    "--virtual-env-find-link": "virtual_env_find_links",
}
_BARE: dict[str, dict[str, Any]] = {"--enable-virtual-env": {"enable_virtual_env": True}, "--disable-virtual-env": {}}
FIELDS = "headrace.fields"
"""Where the context of the command has the fields."""
_OF_THE_COMMAND = ("wait", "no_wait", "endpoint", "api_key", "size_in_billions")
"""Flags of ``launch`` that are no fields of its body, by which the server could tell the nearest."""


class LaunchCommand(TyperCommand):
    """``launch``, which takes these flags out of its arguments before the others are parsed."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        """The command, whose help shows further flags, too."""
        super().__init__(*args, **settings)
        self.params = [*self.params, *options()]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments. Raises InvalidRequest where a flag lacks its key or value."""
        ctx.meta[FIELDS], rest = taken(args)
        left = super().parse_args(ctx, rest)
        for one in options():  # they are in the fields
            ctx.params.pop(one.name)
        return left


def taken(arguments: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The fields of a launch in these flags, and the other arguments. Raises InvalidRequest. Pure.

    A flag with a JSON object in place of a key is left: so it is an option of the engine.
    """
    fields: dict[str, Any] = {}
    rest: list[str] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        flag, has_value, text = word.partition("=")
        if flag in further():
            name, switch = further()[flag]
            if not has_value:
                bare = switch and not (words and words[0].lower() in ("true", "false"))
                [text] = ["true"] if bare else _values(words, flag, 1)
            fields[name] = value_of(text)
        elif word in _BARE:
            fields |= _BARE[word]
        elif word in _LISTS:
            fields.setdefault(_LISTS[word], []).extend(_values(words, word, 1))
        elif word in _PAIRS and not (words and words[0].startswith("{")):
            key, text = _values(words, word, 2)
            name = _PAIRS[word]
            inside = fields.setdefault("peft_model_config", {}) if name in _ADAPTERS else fields
            inside.setdefault(name, {})[key] = text if name == "envs" else value_of(text)
        else:
            rest.append(word)
    return fields, rest


def refuse_misspelt(names: Iterable[str]) -> None:
    """Raise InvalidRequest for what is to be an option of the engine, and is nearly a flag of the command. Pure."""
    for name in names:
        if near := get_close_matches(name, _OF_THE_COMMAND, 1, 0.85):
            flags = [f"--{one.replace('_', '-')}" for one in (name, near[0])]
            raise InvalidRequest(f"there is no {flags[0]}; did you mean {flags[1]}?", param=name)


def value_of(text: str) -> Any:
    """What a value means: one that is JSON is decoded, ``1,2`` is a list, the rest is text. Pure."""
    if text.lower() in ("true", "false", "none"):
        return {"true": True, "false": False, "none": None}[text.lower()]
    try:
        found = json.loads(f"[{text}]" if re.fullmatch(r"[\d.]+(,[\d.]+)+", text) else text)
        json.dumps(found, allow_nan=False)  # Python reads NaN, which is no JSON, and 1e999 as infinite
    except (ValueError, RecursionError):
        return text
    return found


def _values(words: list[str], flag: str, count: int) -> list[str]:
    """Take the values that follow a flag."""
    if len(words) < count:
        raise InvalidRequest(f"{flag}: give {'a key and a value' if count == 2 else 'a value'}", param=flag.lstrip("-"))
    found = words[:count]
    del words[:count]
    return found
