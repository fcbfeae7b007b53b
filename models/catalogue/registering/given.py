"""A model as Xinference's users describe it, in its versions 1 and 2, for all of its types."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from models.modalities.base import Bool, Int
from models.modalities.json_object import JsonObject

_Text = Annotated[str, Field(max_length=1000)]
_Texts = Annotated[list[_Text], Field(max_length=200)]
_Number = Annotated[str, Field(max_length=20)] | Int | Annotated[float, Field(strict=True)]
_Stops = Annotated[list[Annotated[str, Field(min_length=1, max_length=1000)]], Field(max_length=200)]
_Ids = Annotated[list[Annotated[Int, Field(ge=0)]], Field(max_length=100)]
_Parts = Annotated[dict[str, Annotated[list[_Text], Field(max_length=10_000)]], Field(max_length=200)]


class GivenPlace(JsonObject):
    """Where weights are on one hub: a block of ``model_src``, or the fields of a spec itself."""

    model_id: _Text | None = None
    model_revision: _Text | None = None
    quantizations: _Texts | None = None
    model_file_name_template: _Text | None = None
    model_file_name_split_template: _Text | None = None
    quantization_parts: _Parts | None = None
    multimodal_projectors: _Texts | None = None
    gguf_model_id: _Text | None = None
    gguf_quantizations: _Texts | None = None
    gguf_model_file_name_template: _Text | None = None


class GivenHubs(JsonObject):
    """Where weights are, by hub. From the last two none are fetched."""

    huggingface: GivenPlace | None = None
    modelscope: GivenPlace | None = None
    openmind_hub: GivenPlace | None = None
    csghub: GivenPlace | None = None


class GivenSpec(GivenPlace):
    """The weights of one size in one format. ``quantization`` is one alone, ``model_uri`` a place that is no hub's."""

    model_format: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    model_size_in_billions: _Number | None = None
    activated_size_in_billions: _Number | None = None
    quantization: Annotated[str, Field(max_length=40)] | None = None
    model_hub: _Text | None = None
    model_uri: _Text | None = None
    model_src: GivenHubs | None = None


class GivenDefaults(JsonObject):
    """What requests of pictures have by default."""

    num_inference_steps: Annotated[Int, Field(ge=1, le=250)] | None = None
    guidance_scale: Annotated[float, Field(ge=0, le=100)] | None = None


class GivenEnvironment(JsonObject):
    """Packages that Xinference installs for a model: an engine of ours has one environment for all of its models."""

    packages: _Texts | None = None
    inherit_pip_config: Bool | None = None
    index_url: Any = None
    extra_index_url: Any = None
    find_links: Any = None
    trusted_host: Any = None
    index_strategy: Any = None
    no_build_isolation: Any = None


class GivenModel(GivenSpec):
    """A model in all its sizes and formats. A model of images, sound or videos has one, which it describes itself."""

    version: Literal[1, 2] = 2
    model_name: Annotated[str, Field(min_length=1, max_length=100)]
    model_description: Annotated[str, Field(max_length=10_000)] | None = None
    model_type: _Text | None = None
    model_lang: _Texts | None = None
    language: _Texts | _Text | None = None
    model_ability: _Texts | _Text | None = None
    model_family: _Text | None = None
    architectures: _Texts | None = None
    context_length: Annotated[Int, Field(ge=1, le=1 << 30)] | None = None
    dimensions: Annotated[Int, Field(ge=1, le=1 << 24)] | None = None
    max_tokens: Annotated[Int, Field(ge=4, le=1 << 24)] | None = None
    type: _Text | None = None
    chat_template: Annotated[str, Field(max_length=1 << 17)] | None = None
    stop: _Stops | None = None
    stop_token_ids: _Ids | None = None
    reasoning_start_tag: _Text | None = None
    reasoning_end_tag: _Text | None = None
    tool_parser: _Text | None = None
    virtualenv: GivenEnvironment | None = None
    controlnet: Annotated[list[Any], Field(max_length=100)] | None = None
    default_generate_config: GivenDefaults | None = None
    default_model_config: dict[str, Any] | None = None
    default_transcription_config: dict[str, Any] | None = None
    engine: _Text | None = None
    multilingual: Bool | None = None
    cache_config: Any = None
    updated_at: Any = None
    featured: Any = None
    is_builtin: Any = None
    model_specs: Annotated[list[GivenSpec], Field(min_length=1, max_length=200)] | None = None

    @field_validator("language", "model_ability", mode="after")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        """Xinference's models of sound say one ability, and one language, as text."""
        return [value] if isinstance(value, str) else value

    @property
    def specs(self) -> list[GivenSpec]:
        """All weights; where none are listed, those that the model describes itself."""
        return self.model_specs or [self]
