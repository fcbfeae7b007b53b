"""The rules by which the transformers engine picks a token, over a vocabulary of a few."""

from collections import Counter
from copy import deepcopy
from random import Random
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from workers.engines.transformers.sampling import Sampling  # noqa: E402

_PROBS = [0.1, 0.5, 0.25, 0.15]


def _picks(times: int = 2000, **rules: Any) -> dict[int, float]:
    logits = torch.tensor(_PROBS).log()
    given: dict[str, Any] = {"temperature": 1.0, "random": Random(1)} | rules
    drawn = Counter(Sampling(**given).pick(logits) for _ in range(times))
    return {token: many / times for token, many in sorted(drawn.items())}


def test_tokens_come_as_often_as_they_are_likely() -> None:
    assert _picks() == pytest.approx(dict(enumerate(_PROBS)), abs=0.04)


def test_temperature_sharpens() -> None:
    squares = [one * one / sum(p * p for p in _PROBS) for one in _PROBS]

    assert _picks(temperature=0.5) == pytest.approx(dict(enumerate(squares)), abs=0.04)
    assert _picks(temperature=0) == {1: 1.0}


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ({"top_k": 2}, {1: 2 / 3, 2: 1 / 3}),
        ({"top_p": 0.7}, {1: 2 / 3, 2: 1 / 3}),
        ({"top_p": 0.01}, {1: 1.0}),
        ({"min_p": 0.4}, {1: 2 / 3, 2: 1 / 3}),
        ({"top_k": 3, "top_p": 0.8, "min_p": 0.4}, {1: 2 / 3, 2: 1 / 3}),
        ({"top_k": 99}, dict(enumerate(_PROBS))),
        ({"bias": {1: -100.0}}, {0: 0.2, 2: 0.5, 3: 0.3}),
    ],
)
def test_rules_leave_the_likeliest(rules: dict[str, Any], left: dict[int, float]) -> None:
    assert _picks(**rules) == pytest.approx(left, abs=0.04)


def test_penalties_count_what_was_said() -> None:
    logits = torch.tensor([1.0, 3.0, 2.9, -1.0])
    frequent = Sampling(temperature=0, frequency=0.6)
    repeated = Sampling(temperature=0, repetition=2.0, prompt=[1])

    assert [frequent.pick(logits) for _ in range(4)] == [1, 2, 1, 2]
    assert [repeated.pick(logits) for _ in range(3)] == [2, 1, 1]
    assert logits.tolist() == pytest.approx([1.0, 3.0, 2.9, -1.0])


def test_log_probabilities_precede_all_rules() -> None:
    sampling = Sampling(temperature=0, bias={3: 100.0}, logprobs=2)

    assert sampling.pick(torch.tensor(_PROBS).log()) == 3
    (pick,) = sampling.picks
    assert pick.logprob == pytest.approx(torch.tensor(0.15).log().item())
    assert [token for token, _ in pick.top] == [1, 2]


def test_a_restarted_request_goes_on_with_its_random_numbers() -> None:
    sampling = Sampling(temperature=1.0)

    assert deepcopy({"sampling": sampling})["sampling"] is sampling
