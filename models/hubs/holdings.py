"""Which files of which repositories lie in the caches of this machine, whole: by names alone, so that it is cheap."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from models.hubs import settings

Held = Mapping[str, frozenset[str]]
"""The whole files of each repository, by the name that a launch gives: ``hf:org/name``, ``modelscope:org/name``."""

_PART = re.compile(r"(.*)-\d{5}-of-(\d{5})(\.[^/]+)")
_CUT_OFF = (".incomplete", ".parallel_tmp")


def held(own: Path) -> Held:
    """What was fetched from hubs: under ``own``, our folder of caches, and by other programs. Blocks."""
    found: dict[str, set[str]] = defaultdict(set)
    _look(own / "huggingface", "hf:", "models--", found)
    _look(own / "modelscope" / "models", "modelscope:", "", found)
    if shared := settings.shared():
        _look(shared, "hf:", "models--", found)
    return {name: whole(files) for name, files in found.items()}


def whole(files: Iterable[str]) -> frozenset[str]:
    """The files without those of which a part is missing: ``model-00001-of-00002.gguf`` alone is none. Pure."""
    names = set(files)
    parts: dict[tuple[str, ...], int] = defaultdict(int)
    for name in names:
        if part := _PART.fullmatch(name):
            parts[part.groups()] += 1
    lacking = {key for key, count in parts.items() if count < int(key[1])}
    return frozenset(one for one in names if (part := _PART.fullmatch(one)) is None or part.groups() not in lacking)


def _look(folder: Path, scheme: str, prefix: str, found: dict[str, set[str]]) -> None:
    """Add what the repositories in a hub's cache have in any of their snapshots."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for one in names:
        owner, _, name = one.removeprefix(prefix).partition("--")
        if one.startswith(prefix) and name:
            for snapshot in _folders(folder / one / "snapshots"):
                found[f"{scheme}{owner}/{name}"].update(_files(snapshot))


def _folders(folder: Path) -> list[Path]:
    try:
        return [Path(one.path) for one in os.scandir(folder) if one.is_dir()]
    except OSError:
        return []


def _files(folder: Path) -> Iterable[str]:
    """The files in a snapshot, by their paths in it; a link to what is gone is none."""
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where) / name
            if not name.endswith(_CUT_OFF) and path.exists():
                yield path.relative_to(folder).as_posix()
