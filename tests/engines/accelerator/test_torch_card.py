"""What PyTorch says of a card."""

import pytest
import torch

from models.errors import InvalidRequest
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


def test_a_pytorch_that_cannot_use_the_card_is_no_reason_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (
        AssertionError("Torch not compiled with CUDA enabled"),
        RuntimeError("The NVIDIA driver on your system is too old (found version 12080)."),
        RuntimeError("Found no NVIDIA driver on your system."),
    ):

        def fails(_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(torch.cuda, "mem_get_info", fails)
        with pytest.raises(InvalidRequest, match="PyTorch cannot use the GPU: ") as caught:
            card_of("cuda:0")
        assert str(error) in str(caught.value)

    def full(_: object) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(torch.cuda, "mem_get_info", full)
    with pytest.raises(RuntimeError, match="out of memory"):
        card_of("cuda:0")
