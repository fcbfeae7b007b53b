"""What may be asked for a guess (``api.routes.models.guessing``)."""

import pytest
from pydantic import ValidationError

from api.routes.models.guessing import GuessBody


@pytest.mark.parametrize("field", ["model_path", "model_name"])
@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_a_path_or_name_that_cannot_be_is_refused(field: str, text: str) -> None:
    with pytest.raises(ValidationError, match=r"a string|a valid string"):
        GuessBody.model_validate({"model_path": "/m", field: text})
