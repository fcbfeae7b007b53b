"""The registry of engines: a name, and the class that adapts it. Runs in the runner alone.

Doors: ``engine_class`` here, and ``base``, the interface of every engine. Each engine is a package or a module, and
does not know the others; ``text``, ``structured``, ``media``, ``threads`` and ``accelerator`` are shared by them. The
rest of the platform reads the facts about an engine, under the same name, in ``models.engines``.
"""

import sys
from importlib import import_module
from typing import Any

from models.engines import FACTS, EngineFacts
from models.errors import InvalidRequest
from workers.engines.base import Engine

ENGINES: dict[str, str] = {
    "diffusers": "workers.engines.diffusers.engine:Diffusers",
    "echo": "workers.engines.echo:Echo",
    "faster_whisper": "workers.engines.faster_whisper.engine:FasterWhisper",
    "hibari": "workers.engines.hibari:Hibari",
    "kokoro": "workers.engines.kokoro.engine:Kokoro",
    "llama_cpp": "workers.engines.llama_cpp.engine:LlamaCpp",
    "piper": "workers.engines.piper.engine:Piper",
    "sentence_transformers": "workers.engines.sentence_transformers.engine:SentenceTransformers",
    "transformers": "workers.engines.transformers.engine:Transformers",
    "vllm": "workers.engines.vllm.engine:Vllm",
}


def engine_class(name: str) -> type[Engine[Any]]:
    """The engine of this name; imports its module, and so perhaps torch. Raises InvalidRequest."""
    if name not in ENGINES:
        raise InvalidRequest(f"there is no engine '{name}'; there are {', '.join(sorted(ENGINES))}")
    module, _, cls = ENGINES[name].partition(":")
    try:
        engine: type[Engine[Any]] = getattr(import_module(module), cls)
    except ModuleNotFoundError as error:
        raise InvalidRequest(
            f"the engine {name} is not installed under {sys.executable}: it has no '{error.name}'; "
            + _how_to(FACTS[name]),
            param="model_engine",
        ) from error
    return engine


def _how_to(facts: EngineFacts) -> str:
    """How to install this engine."""
    where = f", in an environment of its own ({sys.prefix}-{facts.name})" if facts.own_environment else ""
    return f"install headrace[{facts.extra}]{where}"
