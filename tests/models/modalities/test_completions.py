"""How long a text completion may be."""

from typing import Any

import pytest

from models.modalities import completions

TEXT = {"model": "m", "prompt": "Once"}


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({}, 16),
        ({"max_tokens": None}, 16),
        ({"max_tokens": 5}, 5),
        ({"max_tokens": -1}, None),
        ({"n_predict": -1}, None),
        ({"max_tokens": 0, "echo": True}, 0),
    ],
)
def test_how_long_a_completion_may_be(fields: dict[str, Any], limit: int | None) -> None:
    request = completions.Request.model_validate(TEXT | fields)
    assert request.token_limit == limit
    sent = request.model_dump(mode="json", exclude_unset=True)
    assert completions.Request.model_validate(sent).token_limit == limit, "the runner reads the same"
