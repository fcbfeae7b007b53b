"""Refuses weights that need code of their own, where nobody has said that it may run."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workers.engines.foreign_code import foreign_code

_OURS = ("sentence_transformers.", "torch.")
"""How the names of classes begin that the libraries have themselves."""


def refuse_code(source: Path) -> None:
    """Raise InvalidRequest where the files name a class for a module or an activation that is not the libraries'."""
    foreign = sorted({name for name in _named(source) if not name.startswith(_OURS)})
    if foreign:
        raise foreign_code(", ".join(foreign)[:200])


def _named(source: Path) -> Iterator[str]:
    modules, config, saved = (
        _read(source / name) for name in ("modules.json", "config.json", "config_sentence_transformers.json")
    )
    yield from (str(one.get("type")) for one in modules or () if isinstance(one, dict))
    of_library = config.get("sentence_transformers") if isinstance(config, dict) else None
    for place, name in (
        (of_library, "activation_fn"),
        (config, "sbert_ce_default_activation_function"),
        (saved, "activation_fn"),
    ):
        if isinstance(place, dict) and isinstance(place.get(name), str):
            yield place[name]


def _read(path: Path) -> Any:
    return json.loads(path.read_bytes()) if path.is_file() else None
