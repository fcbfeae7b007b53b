"""What models/engines.py says of the engines, held against their classes and all else that names them.

Where vLLM is not installed, the source of its class is asked.
"""

import ast
import importlib
import importlib.util
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from models.catalogue import SPECS
from models.engines import FACTS, MODEL_TYPES, engine_named
from models.errors import InvalidRequest
from models.launching.about import serves
from models.launching.options.base import Options
from models.launching.options.echo import EchoOptions
from models.launching.options.pipelines import DiffusersOptions
from models.launching.options.text import LlamaCppOptions, TransformersOptions
from models.launching.options.vectors import SentenceTransformersOptions
from models.modalities import MODALITIES, THROUGH, modality
from models.modalities.media import MediaRequest
from workers.engines import ENGINES, engine_class

ROOT = Path(__file__).parents[2]

every_engine = pytest.mark.parametrize("name", FACTS)


def methods(name: str) -> set[str]:
    """The names of the engine's methods: of its class, or of its source where its library is not installed."""
    module, _, cls = ENGINES[name].partition(":")
    try:
        return set(dir(engine_class(name)))
    except InvalidRequest:
        assert FACTS[name].own_environment, f"the engine {name} is not installed"
        spec = importlib.util.find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        classes = ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body
        [found] = [node for node in classes if isinstance(node, ast.ClassDef) and node.name == cls]
        return {node.name for node in found.body if isinstance(node, ast.FunctionDef)}


def project() -> dict[str, Any]:
    """The project of pyproject.toml."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def test_the_registry_and_the_facts_name_the_same_engines() -> None:
    assert ENGINES.keys() == FACTS.keys()
    assert all(facts.name == name for name, facts in FACTS.items())
    names = [one for facts in FACTS.values() for one in (facts.name, *facts.aliases)]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)
    assert engine_named("LLaMA.cpp") is FACTS["llama_cpp"]
    assert engine_named("nothing") is None


def test_an_engine_that_is_not_installed_changes_nothing_of_the_process() -> None:
    before = dict(os.environ), list(sys.meta_path)
    with pytest.raises(InvalidRequest, match="the engine vllm is not installed"):
        engine_class("vllm")
    assert (dict(os.environ), sys.meta_path) == before


@every_engine
def test_an_engine_has_the_methods_that_its_facts_say(name: str) -> None:
    served = {one for one in MODALITIES if one not in THROUGH}

    assert methods(name) & served == set(FACTS[name].modalities)


@every_engine
def test_an_engine_serves_types_of_models_and_modalities_that_there_are(name: str) -> None:
    facts = FACTS[name]
    assert facts.serves
    assert set(facts.model_types) <= set(MODEL_TYPES)
    assert set(facts.type_options) <= set(facts.model_types)
    for model_type, modalities in facts.serves.items():
        assert set(modalities) <= set(serves(name, model_type)) <= MODALITIES.keys()


@every_engine
def test_an_engine_that_takes_several_gpus_asks_how_many_there_are(name: str) -> None:
    module = ENGINES[name].partition(":")[0].removesuffix(".engine").replace(".", "/")
    package = ROOT / module
    files = sorted(package.rglob("*.py")) if package.is_dir() else [package.with_suffix(".py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    asks = any(isinstance(node, ast.Attribute) and ast.unparse(node) == "site.gpus" for node in nodes)

    assert files
    assert FACTS[name].many_gpus is (asks or name == "echo"), "echo computes on none, and takes any number"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("echo", "models.launching.options.echo:EchoOptions"),
        ("llama_cpp", "models.launching.options.text:LlamaCppOptions"),
        ("transformers", "models.launching.options.text:TransformersOptions"),
        ("sentence_transformers", "models.launching.options.vectors:SentenceTransformersOptions"),
    ],
)
def test_an_engine_has_the_context_that_its_facts_say(name: str, options: str) -> None:
    module, _, cls = options.partition(":")
    fields = getattr(importlib.import_module(module), cls).model_fields

    context = FACTS[name].context
    assert context is not None
    assert fields[context[0]].default == context[1]


@every_engine
def test_an_engine_is_installed_by_an_extra(name: str) -> None:
    extras = project()["optional-dependencies"]
    facts = FACTS[name]
    assert facts.extra in extras or not facts.formats, "an engine that loads weights needs a library"
    everything = extras["cpu"][0].removeprefix("headrace[").removesuffix("]").split(",")
    assert (facts.extra in everything) is bool(facts.extra and not facts.own_environment)


@every_engine
def test_an_engine_has_its_line_in_the_table_of_options(name: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert f"\n| {name} | " in readme.partition("| engine | options")[2]


def test_an_option_of_one_engine_is_no_other_engines() -> None:
    own = [option for facts in FACTS.values() for option in facts.own_options]
    assert len(own) == len(set(own))
    known: dict[str, type[Options]] = {
        "echo": EchoOptions,
        "llama_cpp": LlamaCppOptions,
        "transformers": TransformersOptions,
        "diffusers": DiffusersOptions,
        "sentence_transformers": SentenceTransformersOptions,
    }
    for name, options in known.items():
        assert set(own) & options.model_fields.keys() == set(FACTS[name].own_options)


def test_every_type_of_model_has_an_engine() -> None:
    assert {one for facts in FACTS.values() for one in facts.model_types} == set(MODEL_TYPES)
    assert serves("no such engine", "LLM") == ()
    assert serves("diffusers", "LLM") == ()
    assert set(serves("llama_cpp", "LLM")) >= {"chat", "messages", "responses", "responses_count"}


@pytest.mark.parametrize("name", MODALITIES)
def test_a_modality_is_as_its_facts_say(name: str) -> None:
    facts = MODALITIES[name]
    assert issubclass(modality(name).request, MediaRequest) is facts.media
    assert not facts.through or MODALITIES[facts.through].through == ""
    assert any(name in serves(engine, kind) for engine in FACTS for kind in FACTS[engine].model_types)


@pytest.mark.parametrize("spec", SPECS, ids=lambda one: f"{one.name}-{one.engine}")
def test_the_catalogue_names_engines_that_there_are(spec: Any) -> None:
    facts = FACTS[spec.engine]

    assert spec.model_type is None or spec.model_type in facts.serves
    assert bool(spec.source) is bool(facts.formats)
