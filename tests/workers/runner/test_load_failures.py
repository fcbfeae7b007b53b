"""What an error of a load means: whether another try is of use, and what its client is told."""

import pytest
from safetensors import SafetensorError

from models.errors import EngineFailure, HeadraceError, InvalidRequest
from workers.runner.load_failures import meaning_of

BROKEN = "the weights, or the files that describe them, are broken ({}): fetch them anew"


@pytest.mark.parametrize(
    ("error", "kind", "message", "permanent"),
    [
        (InvalidRequest("no such option", param="n_ctx"), InvalidRequest, "no such option", True),
        (EngineFailure("the device is lost"), EngineFailure, "the device is lost", False),
        (ValueError("'zzz' is no activation"), InvalidRequest, "'zzz' is no activation", True),
        (ZeroDivisionError("integer modulo by zero"), InvalidRequest, BROKEN.format("ZeroDivisionError"), True),
        (TypeError("argument of type 'int'"), InvalidRequest, BROKEN.format("TypeError"), True),
        (SafetensorError("incomplete metadata"), InvalidRequest, BROKEN.format("SafetensorError"), True),
        (NotImplementedError("out of meta tensor"), InvalidRequest, BROKEN.format("NotImplementedError"), True),
        (RuntimeError("CUDA out of memory"), EngineFailure, "RuntimeError: CUDA out of memory", False),
        (OSError("no space left"), EngineFailure, "OSError: no space left", False),
        (MemoryError(), EngineFailure, "MemoryError: ", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_will_not_go_away_is_not_tried_again(
    error: Exception, kind: type[HeadraceError], message: str, permanent: bool
) -> None:
    meaning, lasts = meaning_of(error)

    assert (type(meaning), meaning.message, lasts) == (kind, message, permanent)
