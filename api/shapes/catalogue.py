"""The catalogue as the web interface shows it: what there is, what of it fits this machine, what is here already."""

from typing import Literal

from typing_extensions import TypedDict

from models.catalogue.entries import HubName
from models.engines import ModelType
from models.ledger.shapes import Way

Origin = Literal["shipped", "catalogue", "registered"]
"""Where a model is known from: it comes with Headrace, is of the catalogue, or was registered by somebody."""
CauseTold = Literal["unserved", "unknown", "engine", "asking", "code", "memory"]


class CatalogueEntry(TypedDict):
    """A model that a launch may name. Sizes are in billions of parameters, lengths in tokens.

    ``cause``: why nothing of it runs on the devices that are here, as in a ``Way``; null: something does. ``engines``
    are those that run something of it here. ``least_bytes``: what the smallest of it needs, of what runs, or else of
    all; null where that is not known. ``least_of``: whether that is all that a usual ``launch`` needs, as its estimate
    has it, or, without what a KV cache takes, which the files alone tell, little more than its ``weights``. ``cached``:
    some of its weights are on the gateway's machine. ``said``: how whoever registered it describes it, the first 300
    characters.
    """

    name: str
    type: ModelType
    origin: Origin
    abilities: list[str]
    languages: list[str]
    licences: list[str]
    aliases: list[str]
    context_length: int | None
    dimensions: int | None
    sizes: list[float]
    formats: list[str]
    engines: list[str]
    cause: CauseTold | None
    least_bytes: int | None
    least_of: Literal["launch", "weights"] | None
    cached: bool
    said: str | None


class Catalogue(TypedDict):
    """Every model that a launch may name."""

    object: Literal["list"]
    data: list[CatalogueEntry]


class CatalogueWeights(TypedDict):
    """Weights of one size, format and quantisation, and the ways to launch them.

    ``download_bytes``: about how much is fetched, null where that is not known. ``cached``: they are on the gateway's
    machine. ``repositories``: where they are, by hub.
    """

    model_size_in_billions: float | None
    activated_size_in_billions: float | None
    model_format: str
    quantization: str
    download_bytes: int | None
    cached: bool
    repositories: dict[HubName, str]
    ways: list[Way]


class CatalogueModel(CatalogueEntry):
    """All of one model. ``unserved`` is why none of our engines runs it.

    ``description_zh`` is null where whoever registered it described it.
    """

    description: str
    description_zh: str | None
    unserved: str | None
    weights: list[CatalogueWeights]


class Suggested(TypedDict):
    """A model to begin with, as it is launched. Sizes are in billions of parameters, or bytes.

    ``source``: it comes with Headrace, was fetched, or is on a hub. ``available``: whether it can be had now; null
    where its hub was not asked. ``reason``: why not, and ``code`` that error's.
    """

    model_name: str
    model_type: ModelType
    model_engine: str | None
    model_format: str
    model_size_in_billions: float | None
    quantization: str
    source: Literal["package", "cache", "hub"]
    devices: list[str]
    needs_bytes: int | None
    download_bytes: int
    available: bool | None
    reason: str | None
    code: str | None


class SuggestedModels(TypedDict):
    """What somebody who has launched nothing yet may try, the quickest first."""

    object: Literal["list"]
    data: list[Suggested]


class CatalogueVersion(TypedDict):
    """The catalogue that is in use on the gateway's machine.

    ``version`` tells it from others: of the one that comes with Headrace its release, of a newer one the beginning of
    its SHA-256. ``taken_at`` is in seconds since 1970, null of the shipped one. ``place``: where the last newer one was
    taken from, null where none was. ``has_former``: there is another one, to which ``rollback`` goes.
    """

    object: Literal["catalogue.version"]
    origin: Literal["shipped", "newer"]
    version: str
    families: int
    taken_at: int | None
    place: str | None
    has_former: bool


class ChangedFamilies(TypedDict):
    """How many families there are of a kind of change, and the names of the first 200."""

    count: int
    names: list[str]


class CatalogueChange(CatalogueVersion):
    """The catalogue that is in use now, and what it has that the one before had not, and the other way round."""

    added: ChangedFamilies
    removed: ChangedFamilies
    changed: ChangedFamilies
