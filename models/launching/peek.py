"""A look at weights before they are loaded: the names of their files, and the contents of small ones.

This module only reads, and on this machine alone; ``peek_source`` also asks hubs. ``engine_choice`` decides from what
was read. Nothing is unpickled or run.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from models.errors import InvalidRequest

DOCUMENTS = ("model_index.json", "config.json", "config_sentence_transformers.json")
"""The files that are read, if they are there."""

DOCUMENT_BYTES = 4 << 20
HEAD_BYTES = 256
MOST_FILES = 10_000


@dataclass(frozen=True, slots=True)
class Peek:
    """What a look at weights showed.

    ``place`` is what messages call them. ``files`` are the files in the folder and in its direct subfolders, or, with
    ``single``, the one file that the weights consist of. ``heads`` are the first bytes of those files whose kind shows
    in them, as far as they could be read; ``documents`` the JSON objects among ``DOCUMENTS``. ``remote``: the weights
    are on a hub, still to be fetched.
    """

    place: str
    files: tuple[str, ...]
    heads: Mapping[str, bytes] = field(default_factory=dict)
    documents: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    single: bool = False
    remote: bool = False


def peek_at(path: Path) -> Peek:
    """A look at weights on this machine. Raises InvalidRequest where they cannot be read."""
    try:
        return _look(path)
    except OSError as error:
        raise InvalidRequest(f"cannot read {path}: {error.strerror or error}", param="model_path") from error


def _look(path: Path) -> Peek:
    if not path.is_dir():
        return Peek(str(path), (path.name,), {path.name: _head(path)}, single=True)
    files = tuple(sorted(islice(_within(path), MOST_FILES)))
    known_by_head = [name for name in files if name == "model.bin" or name.endswith(".gguf")]
    heads = {name: _head(path / name) for name in known_by_head if (path / name).is_file()}
    return Peek(str(path), files, heads, documents_of(files, lambda name: _start(path / name, DOCUMENT_BYTES + 1)))


def _within(folder: Path) -> Iterator[str]:
    """The files of a folder and of those directly in it."""
    for entry in folder.iterdir():
        if entry.is_dir():
            with suppress(PermissionError):
                yield from (f"{entry.name}/{inner.name}" for inner in entry.iterdir() if not inner.is_dir())
        else:
            yield entry.name


def _head(path: Path) -> bytes:
    return _start(path, HEAD_BYTES)


def _start(path: Path, most: int) -> bytes:
    """The first bytes of a file. Raises OSError, also for what is no regular file: reading a pipe could block."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        return file.read(most)


def documents_of(files: tuple[str, ...], read: Callable[[str], bytes]) -> dict[str, dict[str, Any]]:
    """The ``DOCUMENTS`` that are there and are JSON objects of a reasonable size."""
    documents = {}
    for name in DOCUMENTS:
        data = read(name) if name in files else b""
        if 0 < len(data) <= DOCUMENT_BYTES:
            with suppress(ValueError, RecursionError):
                document = json.loads(data)
                if isinstance(document, dict):
                    documents[name] = document
    return documents
