"""``bench.memory``: a real engine in a process of its own, beside the ledger's estimate."""

import pytest

from bench.memory import MODELS, chosen, compared, line

pytestmark = pytest.mark.weights


@pytest.mark.parametrize("engine", ["llama_cpp", "hibari", "faster_whisper"])
def test_the_estimate_is_near_what_is_taken(engine: str) -> None:
    [*_, model] = [one for one in MODELS if one[1] == engine]
    row = compared(*model)
    assert 0 < row["loaded"] <= row["busy"]
    assert 0.8 < row["estimate / busy"] < 1.25, line(row.values())


def test_models_that_are_not_here_are_left_out() -> None:
    assert chosen(None) == list(MODELS)
