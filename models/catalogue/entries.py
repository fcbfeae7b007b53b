"""The entries of the catalogue: families of models, and where their weights are.

They are read from ``families/*.jsonl`` when they are first asked for.
The files are made by ``python -m tests.catalogue.build``. Nothing is read at import.
"""

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from models.engines import MODEL_TYPES, ModelType

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


@cache
def families(model_type: ModelType | None = None) -> tuple[Family, ...]:
    """The families of a type, or of all. They are read once, and kept."""
    if model_type is None:
        return tuple(one for name in MODEL_TYPES for one in families(name))
    text = files("models.catalogue").joinpath("families", f"{model_type}.jsonl").read_bytes()
    decoder = msgspec.json.Decoder(Family)
    return tuple(decoder.decode(line) for line in text.splitlines())
