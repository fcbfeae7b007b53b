"""The models that a launch may name, as the API shows them. The fields are Xinference's, and ours beside them."""

from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from models.catalogue.entries import HubName
from models.engines import ModelType


class HubPlace(TypedDict):
    """Where weights are on a hub."""

    model_id: str
    model_revision: str | None
    model_file_name_template: str | None
    model_file_name_split_template: str | None
    quantization_parts: dict[str, int]
    multimodal_projectors: list[str]
    quantizations: list[str] | None


class SpecPlace(TypedDict):
    """Where registered weights are that are on no hub."""

    model_uri: NotRequired[str]


class ModelSpec(SpecPlace):
    """Weights of one size in one format; sizes are in billions of parameters.

    ``model_uri``, of registered weights, is shown to administrators alone. ``needs_code``: the engines that need the
    repository's own code. ``base``: the repository that has the rest of a pipeline. Of a model that comes with
    Headrace there are the first four alone.
    """

    model_format: str
    quantizations: list[str]
    engines: list[str]
    model_size_in_billions: NotRequired[float | None]
    activated_size_in_billions: NotRequired[float | None]
    model_hub: NotRequired[HubName | None]
    model_id: NotRequired[str | None]
    model_revision: NotRequired[str | None]
    model_src: NotRequired[dict[HubName, HubPlace]]
    needs_code: NotRequired[list[str]]
    base: NotRequired[str | None]


class RegistrationLength(TypedDict):
    """What a model takes at most, in tokens: ``context_length`` of a language model, ``max_tokens`` of others."""

    context_length: NotRequired[int | None]
    max_tokens: NotRequired[int | None]


@with_config(ConfigDict(extra="allow"))
class Registration(RegistrationLength):
    """A model that a launch may name. One that was registered may have more fields of its description.

    ``is_builtin``: it is of the catalogue, or comes with Headrace. ``unserved`` is why none of our engines runs it.
    ``options``: what it needs on an engine, by the engine's name.
    """

    version: Literal[2]
    model_name: str
    model_type: ModelType
    model_description: str
    model_description_zh: str
    model_ability: list[str]
    engines: list[str]
    is_builtin: bool
    model_specs: list[ModelSpec]
    model_lang: NotRequired[list[str]]
    dimensions: NotRequired[int | None]
    licences: NotRequired[list[str]]
    aliases: NotRequired[list[str]]
    unserved: NotRequired[str | None]
    options: NotRequired[dict[str, dict[str, Any]]]


class RegistrationName(TypedDict):
    """A model that a launch may name, without what is known of it."""

    model_name: str
    is_builtin: bool


@with_config(ConfigDict(extra="allow"))
class GuessedSpec(TypedDict):
    """Weights as they were guessed from their files; what could not be seen is left out."""

    model_format: NotRequired[str]
    model_size_in_billions: NotRequired[float]
    quantization: NotRequired[str]
    model_uri: NotRequired[str]
    model_id: NotRequired[str]
    model_hub: NotRequired[str]
    model_revision: NotRequired[str]
    model_file_name_template: NotRequired[str]


@with_config(ConfigDict(extra="allow"))
class GuessedModel(TypedDict):
    """A description to register, guessed from files; what could not be seen is left out. Lengths are in tokens."""

    version: Literal[2]
    model_name: str
    model_family: NotRequired[str]
    model_ability: NotRequired[list[str]]
    context_length: NotRequired[int]
    max_tokens: NotRequired[int]
    dimensions: NotRequired[int]
    type: NotRequired[str]
    model_specs: NotRequired[list[GuessedSpec]]


class Guess(TypedDict):
    """What would be registered of weights."""

    model_type: ModelType
    model: GuessedModel
