"""What a description comes to, before it is kept (``api.routes.models.registering``)."""

from pathlib import Path
from typing import Any

import pytest

from api.routes.models.registering import _made
from models.errors import Conflict, InvalidRequest
from models.settings import Settings


@pytest.mark.parametrize(
    ("description", "param"),
    [
        ({"model_name": "qwen3", "model_id": "a/b"}, "model_name"),
        ({"name": "qwen3", "specs": [{"format": "pytorch", "hf": {"repo": "a/b"}}]}, "name"),
    ],
)
def test_a_name_that_is_taken_is_told_by_its_field(description: dict[str, Any], param: str) -> None:
    with pytest.raises(Conflict) as caught:
        _made(description, "LLM", Settings(), strict=False)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("description", "param"),
    [
        ({"model_name": "mine", "model_uri": "/elsewhere/x"}, "model_uri"),
        (
            {
                "model_name": "mine",
                "model_specs": [
                    {"model_format": "pytorch", "model_id": "a/b"},
                    {"model_format": "ggufv2", "quantization": "q4", "model_uri": "/elsewhere/x.gguf"},
                ],
            },
            "model_specs[1].model_uri",
        ),
        ({"name": "mine", "specs": [{"format": "pytorch", "uri": "/elsewhere/x"}]}, "specs[0].uri"),
    ],
)
def test_a_path_outside_the_roots_is_told_by_its_field(description: dict[str, Any], param: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="HEADRACE_MODEL_ROOTS") as caught:
        _made(description, "LLM", Settings(model_roots=str(tmp_path)), strict=False)
    assert caught.value.param == param


@pytest.mark.parametrize("tokens", [3, (1 << 24) + 1])
def test_lengths_that_no_engine_takes_are_told_by_their_field(tokens: int) -> None:
    given = {"model_name": "mine", "model_id": "a/b", "dimensions": 8, "max_tokens": tokens}
    with pytest.raises(InvalidRequest) as caught:
        _made(given, "embedding", Settings(), strict=False)
    assert caught.value.param == "max_tokens"
