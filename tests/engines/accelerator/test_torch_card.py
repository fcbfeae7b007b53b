"""What PyTorch says of a card."""

import pytest
import torch

from tests.engines.accelerator.cards import CARDS, T4
from tests.engines.accelerator.fake_cuda import pretend
from workers.engines.accelerator.torch_card import card_of


@pytest.mark.parametrize("name", ["T4", "4090", "H100", "GB10"])
def test_a_card_is_as_pytorch_describes_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pretend(monkeypatch, CARDS[name])

    assert card_of("cuda:0") == CARDS[name]
    assert asked == ["cuda:0"]


def test_what_the_allocator_holds_unused_counts_as_free(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, T4)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 3_000_000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 1_000_000)
    card = card_of("cuda:0")

    assert card is not None
    assert card.free_bytes == T4.free_bytes + 2_000_000


def test_the_cpu_is_no_card() -> None:
    assert card_of("cpu") is None
    assert card_of(torch.device("cpu")) is None
