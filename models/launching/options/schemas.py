"""The options of an engine as JSON Schema, and a check of those of a launch, by the classes that the engine reads."""

from collections.abc import Collection, Mapping
from typing import Any

from models.engines import EngineFacts, ModelType
from models.launching.options import vllm
from models.launching.options.base import Options
from models.launching.options.echo import EchoOptions
from models.launching.options.pipelines import DiffusersOptions, VideoOptions
from models.launching.options.sound import FasterWhisperOptions, HibariOptions, KokoroOptions, PiperOptions
from models.launching.options.text import LlamaCppOptions, StopOptions, TransformersOptions
from models.launching.options.values import refuse_values
from models.launching.options.vectors import SentenceTransformersOptions
from models.shapes import OptionsSchema

CLASSES: dict[str, type[Options]] = {
    "echo": EchoOptions,
    "llama_cpp": LlamaCppOptions,
    "transformers": TransformersOptions,
    "sentence_transformers": SentenceTransformersOptions,
    "diffusers": DiffusersOptions,
    "faster_whisper": FasterWhisperOptions,
    "hibari": HibariOptions,
    "kokoro": KokoroOptions,
    "piper": PiperOptions,
}
"""By engine. vLLM's options are its own arguments: ``models.launching.options.vllm``."""


def options_class(engine: str, model_type: ModelType) -> type[Options] | None:
    """The class that an engine reads the options of such a model with; None for vLLM."""
    return VideoOptions if (engine, model_type) == ("diffusers", "video") else CLASSES.get(engine)


def schema_of(facts: EngineFacts, model_type: ModelType | None = None) -> OptionsSchema:
    """What a launch may set of an engine, as JSON Schema: types, bounds, defaults and descriptions.

    ``model_type``: of the models that it serves; None: the usual one. Options that follow from the type are left out.
    """
    model_type = model_type or facts.model_types[0]
    cls = options_class(facts.name, model_type)
    found = vllm.schema() if cls is None else cls.model_json_schema()
    own = StopOptions.model_json_schema()["properties"] if _writes(facts.name, model_type) else {}
    derived = {name for options in facts.type_options.values() for name in options}
    known = {name: _plain(name, one) for name, one in {**found["properties"], **own}.items() if name not in derived}
    schema: OptionsSchema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{facts.name}, {model_type}",
        "type": "object",
        "properties": known,
        "additionalProperties": False,
    }
    if "$defs" in found:
        schema["$defs"] = found["$defs"]
    return schema


def check_options(
    engine: str, model_type: ModelType, options: Mapping[str, Any], *, trusted: bool, beside: Collection[str] = ()
) -> None:
    """Raise InvalidRequest, with the option at fault, for options that the engine does not have, or not so.

    ``beside``: the fields of a launch that are no options, of which one may be misspelt.
    """
    cls = options_class(engine, model_type)
    if _writes(engine, model_type):
        StopOptions.read({name: value for name, value in options.items() if name in StopOptions.model_fields})
        options = {name: value for name, value in options.items() if name not in StopOptions.model_fields}
    if cls is None:
        vllm.refuse_unknown(options, vllm.arguments(), trusted=trusted, beside=beside)
        refuse_values(options, vllm.arguments())
    else:
        cls.read(options, (*beside, *(StopOptions.model_fields if _writes(engine, model_type) else ())))


def _writes(engine: str, model_type: ModelType) -> bool:
    """Whether such a model writes text, so that it may be said where it stops."""
    return model_type == "LLM" and engine != "echo"


def _plain(name: str, one: Mapping[str, Any]) -> dict[str, Any]:
    """A property without the title that pydantic makes of its name."""
    return {key: value for key, value in one.items() if key != "title"}
