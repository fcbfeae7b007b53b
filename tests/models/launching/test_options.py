"""``models.launching.options``: what a launch may set of each engine, as the engine reads it and as JSON Schema."""

import json
from typing import Any

import jsonschema_rs
import pytest

from models.engines import FACTS, ModelType
from models.errors import InvalidRequest
from models.launching.options.schemas import CLASSES, check_options, options_class, schema_of
from models.launching.options.text import StopOptions

EVERY: list[tuple[str, ModelType]] = [(name, kind) for name, facts in FACTS.items() for kind in facts.model_types]


@pytest.mark.parametrize(("engine", "model_type"), EVERY)
def test_every_option_has_a_type_a_default_and_a_description(engine: str, model_type: ModelType) -> None:
    schema: dict[str, Any] = dict(schema_of(FACTS[engine], model_type))
    jsonschema_rs.meta.validate(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["properties"]
    for name, one in schema["properties"].items():
        assert one["description"].endswith("."), name
        assert "title" not in one
        if engine != "vllm":
            assert {"type", "anyOf", "enum", "$ref"} & one.keys(), name
            assert "default" in one, name


@pytest.mark.parametrize("engine", CLASSES)
def test_defaults_are_what_the_engine_would_take(engine: str) -> None:
    schema: dict[str, Any] = dict(schema_of(FACTS[engine]))
    defaults = {name: one["default"] for name, one in schema["properties"].items()}
    jsonschema_rs.validate(schema, defaults)
    cls = options_class(engine, FACTS[engine].model_types[0])
    assert cls is not None
    its_own = {name: value for name, value in defaults.items() if name not in StopOptions.model_fields}
    assert cls.read(its_own) == cls.read({})


@pytest.mark.parametrize(
    ("engine", "model_type", "options", "param"),
    [
        ("llama_cpp", "LLM", {"n_ctx": 63}, "n_ctx"),
        ("llama_cpp", "LLM", {"n_contx": 64}, "n_contx"),
        ("transformers", "LLM", {"dtype": "float8"}, "dtype"),
        ("sentence_transformers", "embedding", {"lanes": 0}, "lanes"),
        ("diffusers", "image", {"default_frames": 9}, "default_frames"),
        ("diffusers", "image", {"stop": ["a"]}, "stop"),
        ("vllm", "LLM", {"stop": "a"}, "stop"),
        ("vllm", "LLM", {"max_model_length": 9}, "max_model_length"),
        ("vllm", "LLM", {"memory_bytes": 1}, "memory_bytes"),
        ("vllm", "LLM", {"tokenizer": "other"}, "tokenizer"),
    ],
)
def test_what_an_engine_has_not_is_refused_by_name(
    engine: str, model_type: ModelType, options: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_options(engine, model_type, options, trusted=False)
    assert caught.value.param == param
    assert not jsonschema_rs.is_valid(dict(schema_of(FACTS[engine], model_type)), options), "schema and engine agree"


def test_the_nearest_name_is_told() -> None:
    with pytest.raises(InvalidRequest, match="did you mean 'n_ctx'"):
        check_options("llama_cpp", "LLM", {"nctx": 4096}, trusted=False)
    with pytest.raises(InvalidRequest, match="did you mean 'max_model_len'"):
        check_options("vllm", "LLM", {"max_model_lenn": 4096}, trusted=False)


def test_what_brings_code_needs_trust() -> None:
    said = schema_of(FACTS["vllm"])["properties"]["worker_cls"]["description"]
    assert "trust_remote_code" in said
    with pytest.raises(InvalidRequest, match="trust_remote_code"):
        check_options("vllm", "LLM", {"worker_cls": "mine.Worker"}, trusted=False)


def test_what_an_engine_has_is_taken() -> None:
    check_options("diffusers", "video", {"default_frames": 9, "modality": "videos"}, trusted=False)
    for engine in ("llama_cpp", "transformers", "vllm"):
        check_options(engine, "LLM", {"stop": ["a"], "stop_token_ids": [2]}, trusted=False)
    check_options("vllm", "LLM", {"max_model_len": "4k", "tool_call_parser": "hermes"}, trusted=False)
    check_options("vllm", "LLM", {"worker_cls": "mine.Worker"}, trusted=True)


@pytest.mark.parametrize("value", [[], {}, None, 1, "pickle"])
def test_only_known_formats_of_weights_are_loaded_without_trust(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="needs trust_remote_code") as caught:
        check_options("vllm", "LLM", {"load_format": value}, trusted=False)
    assert caught.value.param == "load_format"
