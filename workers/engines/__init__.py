"""The registry of engines: a name, and the class that adapts it (loaded in the runner alone)."""

import sys
from importlib import import_module
from typing import Any

from models.errors import InvalidRequest
from workers.engines.base import Engine

ENGINES: dict[str, str] = {
    "diffusers": "workers.engines.diffusers.engine:Diffusers",
    "echo": "workers.engines.echo:Echo",
    "faster_whisper": "workers.engines.faster_whisper.engine:FasterWhisper",
    "hibari": "workers.engines.hibari:Hibari",
    "llama_cpp": "workers.engines.llama_cpp.engine:LlamaCpp",
    "sentence_transformers": "workers.engines.sentence_transformers.engine:SentenceTransformers",
    "transformers": "workers.engines.transformers.engine:Transformers",
    "vllm": "workers.engines.vllm.engine:Vllm",
}


def engine_class(name: str) -> type[Engine[Any]]:
    """The engine of this name; imports its module, and so perhaps torch."""
    if name not in ENGINES:
        raise InvalidRequest(f"there is no engine '{name}'; there are {', '.join(sorted(ENGINES))}")
    module, _, cls = ENGINES[name].partition(":")
    try:
        found: type[Engine[Any]] = getattr(import_module(module), cls)
    except ModuleNotFoundError as error:
        raise InvalidRequest(
            f"the engine {name} is not installed under {sys.executable}: it has no '{error.name}'", param="model_engine"
        ) from error
    return found
