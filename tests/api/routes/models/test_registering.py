"""What a description comes to, before it is kept (``api.routes.models.registering``)."""

from typing import Any

import pytest

from api.routes.models.registering import _made
from models.errors import Conflict
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
