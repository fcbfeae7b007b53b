"""How much context a model has, and what is told where a launch asks for more."""

from typing import Any

import pytest

from models.launching.about import about
from models.launching.options.context import known_positions, shortened
from models.launching.peek import Peek

HUGE = 10**400
YARN = {"factor": 4.0, "original_max_position_embeddings": 1024}


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ({}, None),
        ({"max_position_embeddings": 1024}, 1024),
        ({"max_position_embeddings": 0, "n_positions": 512}, 512),
        ({"max_seq_len": 2048}, 2048),
        ({"max_position_embeddings": 1024, "rope_scaling": YARN | {"type": "yarn"}}, 4096),
        ({"max_position_embeddings": 1024, "rope_parameters": YARN | {"rope_type": "yarn"}}, 4096),
        ({"max_position_embeddings": 8192, "rope_scaling": YARN | {"rope_type": "yarn"}}, 8192),
        ({"max_position_embeddings": 1024, "rope_scaling": YARN | {"rope_type": "dynamic"}}, 1024),
        ({"max_position_embeddings": 1024, "rope_scaling": {"rope_type": "yarn", "factor": 4}}, 1024),
        ({"max_position_embeddings": 1024, "rope_scaling": YARN | {"rope_type": "yarn", "factor": "4"}}, 1024),
        *(
            ({"max_position_embeddings": 1024, "rope_scaling": YARN | {"type": "yarn", "factor": factor}}, 1024)
            for factor in (float("inf"), float("nan"), 1e300, HUGE, 1 << 30, -1.0)
        ),
        ({"max_position_embeddings": HUGE, "n_positions": 512}, 512),
        ({"max_position_embeddings": 1024, "rope_parameters": {"full_attention": YARN | {"type": "yarn"}}}, 1024),
    ],
)
def test_what_a_model_knows(text: dict[str, Any], known: int | None) -> None:
    assert known_positions(text) == known


def seen(**config: Any) -> Peek:
    """A folder of a language model."""
    return Peek("/m", ("config.json", "model.safetensors"), documents={"config.json": {"model_type": "llama"} | config})


@pytest.mark.parametrize(
    ("engine", "model_type", "options", "told"),
    [
        (
            "transformers",
            "LLM",
            {"n_ctx": 4096},
            ["'n_ctx' is 4096, and the model knows 1024 positions: a request may have 1024 tokens"],
        ),
        ("transformers", "LLM", {"n_ctx": 1024}, []),
        ("transformers", "LLM", {}, []),
        ("vllm", "LLM", {"max_model_len": 4096}, []),
        (
            "sentence_transformers",
            "embedding",
            {"max_length": 2048},
            ["'max_length' is 2048, and the model knows 1024 positions: a request may have 1024 tokens"],
        ),
        ("echo", "LLM", {"context_length": 1 << 20}, []),
    ],
)
def test_a_context_that_is_shorter_than_was_asked_for_is_told(
    engine: str, model_type: str, options: dict[str, Any], told: list[str]
) -> None:
    of_it = None if engine == "echo" else seen(max_position_embeddings=1024)
    assert about(engine, model_type, of_it, options).warnings == told


def test_a_file_in_gguf_tells_it_too() -> None:
    header = {"general.architecture": "llama", "llama.context_length": 2048}
    file = Peek("/m.gguf", ("m.gguf",), header=header)
    assert about("llama_cpp", "LLM", file, {"n_ctx": 9000}).warnings == [
        "'n_ctx' is 9000, and the model knows 2048 positions: a request may have 2048 tokens"
    ]


def test_what_is_not_a_number_is_not_told() -> None:
    assert shortened("n_ctx", "9000", 100) == shortened("n_ctx", True, 0) == shortened("n_ctx", None, 10) == ""
