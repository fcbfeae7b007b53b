"""The entries of the catalogue: families of models, and where their weights are.

They are read when they are first asked for: from ``families/*.jsonl``, which ``python -m tests.catalogue.build`` makes,
or from a newer catalogue in the home folder (``models.catalogue.versions``). Nothing is read at import.
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from models.engines import MODEL_TYPES, ModelType

T = TypeVar("T")

_log = logging.getLogger(__name__)

HubName = Literal["huggingface", "modelscope"]


class Place(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where weights are on one hub.

    ``{quantization}`` may stand in ``repo``, ``file`` and ``split``. ``file`` names one GGUF file of a repository, or
    is a pattern of it with ``*``; empty: the whole repository is meant. ``split`` names one of several files that a
    quantisation of ``parts`` consists of, with ``{part}`` for ``00001-of-00002``; ``parts`` has how many there are.
    ``projector`` is the file that sees for a GGUF file. ``quantizations``: those that this hub has, where not all.
    """

    repo: str
    revision: str = ""
    file: str = ""
    split: str = ""
    parts: dict[str, int] = {}
    projector: str = ""
    quantizations: tuple[str, ...] = ()

    def file_of(self, quantization: str) -> str:
        """The GGUF file of a quantisation, the first one of several; "" where a repository has no such files."""
        count = self.parts.get(quantization)
        if count and self.split:
            return self.split.format(quantization=quantization, part=f"00001-of-{count:05d}")
        return self.file.format(quantization=quantization)

    def has(self, quantization: str) -> bool:
        """Whether this hub has a quantisation."""
        return not self.quantizations or quantization in self.quantizations


class Weights(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The weights of one size in one format.

    ``format`` is Xinference's word; ``size`` and ``activated`` are in billions of parameters, None where it is not
    known. ``engines`` are those that are known to run them, ``code`` those among them that need the repository's own
    code. ``of``: these are the network of a pipeline alone, and the rest is in this repository. ``uri``, of registered
    weights alone: where they are instead of on a hub, as ``models.launching.hub`` reads it; it may have
    ``{quantization}``.
    """

    format: str
    size: float | None = None
    activated: float | None = None
    quantizations: tuple[str, ...] = ("none",)
    engines: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    hf: Place | None = None
    modelscope: Place | None = None
    of: str = ""
    uri: str = ""

    def places(self) -> dict[HubName, Place]:
        """Where they are, by hub, the preferred one first."""
        both: dict[HubName, Place | None] = {"huggingface": self.hf, "modelscope": self.modelscope}
        return {hub: place for hub, place in both.items() if place is not None}

    def on(self, hub: HubName | None) -> bool:
        """Whether they may be had where a launch asks for this hub; None: for none in particular."""
        return hub is None or bool(self.uri) or hub in self.places()

    def has(self, quantization: str, hub: HubName | None) -> bool:
        """Whether they may be had so in this quantisation."""
        return bool(self.uri) or any(
            place.has(quantization) for name, place in self.places().items() if hub in (None, name)
        )


class Family(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A model by name, in all its sizes and formats.

    ``abilities`` are Xinference's words; ``context`` in tokens; ``dimensions`` of an embedding. ``options`` are what a
    family needs on an engine. ``unserved`` says why none of our engines runs it; "": one does, or it is not known from
    here, and the files say it at the launch.
    """

    name: str
    type: ModelType
    specs: tuple[Weights, ...]
    abilities: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    context: int | None = None
    dimensions: int | None = None
    licences: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    options: dict[str, dict[str, Any]] = {}
    unserved: str = ""

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that are known to run it in some format."""
        return tuple(dict.fromkeys(name for one in self.specs for name in one.engines))

    @property
    def sizes(self) -> tuple[float, ...]:
        """Its sizes, in billions of parameters, the smallest first."""
        return tuple(sorted({one.size for one in self.specs if one.size is not None}))


def families(model_type: ModelType | None = None) -> tuple[Family, ...]:
    """The families of a type, or of all: of the catalogue that is in use. They are read once, and kept."""
    return _all()[model_type] if newer() is not None else _shipped(model_type)


def newer() -> Path | None:
    """The catalogue that was taken from elsewhere, in the home folder; None: the one that is shipped is in use."""
    home = Path(os.environ.get("HEADRACE_HOME") or Path.home() / ".headrace").expanduser()
    path = home / "catalogue" / "current.jsonl"
    return path if path.is_file() else None


def kept(function: Callable[[], T]) -> Callable[[], T]:
    """A function of the catalogue that is computed once, and anew where another catalogue is in use."""
    held: dict[object, T] = {}

    def call() -> T:
        version = _version()
        if version not in held:
            found = function()
            held.clear()
            held[version] = found
        return held[version]

    return call


def _version() -> tuple[int, ...]:
    """What tells a catalogue from the next: empty for the one that is shipped."""
    path = newer()
    if path is None:
        return ()
    with suppress(OSError):
        about = path.stat()
        return about.st_mtime_ns, about.st_ino, about.st_size
    return ()


@kept
def _all() -> dict[ModelType | None, tuple[Family, ...]]:
    """The families of the newer catalogue by their type, and under None all; of one that is broken the shipped."""
    path = newer()
    try:
        found = [] if path is None else read(path.read_bytes())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _log.error("the catalogue %s cannot be read, and the shipped one is used: %s", path, error)
        found = []
    if not found:
        return {name: _shipped(name) for name in (None, *MODEL_TYPES)}
    by_type: dict[ModelType | None, tuple[Family, ...]] = {
        name: tuple(one for one in found if one.type == name) for name in MODEL_TYPES
    }
    return by_type | {None: tuple(one for some in by_type.values() for one in some)}


@cache
def _shipped(model_type: ModelType | None) -> tuple[Family, ...]:
    if model_type is None:
        return tuple(one for name in MODEL_TYPES for one in _shipped(name))
    return tuple(read(files("models.catalogue").joinpath("families", f"{model_type}.jsonl").read_bytes()))


def read(data: bytes) -> list[Family]:
    """The families that data have, one a line. Raises msgspec.MsgspecError, UnicodeDecodeError."""
    decoder = msgspec.json.Decoder(Family)
    return [decoder.decode(line) for line in data.splitlines() if line.strip()]
