"""PyTorch's account of a GPU that is not there."""

from types import SimpleNamespace

import pytest
import torch

from workers.engines.accelerator.card import Card


def pretend(monkeypatch: pytest.MonkeyPatch, card: Card) -> list[str]:
    """Let ``torch.cuda`` describe this card. Returns a list that records the devices that it was asked about."""
    asked: list[str] = []

    def free_and_total(device: torch.device) -> tuple[int, int]:
        asked.append(str(device))
        return card.free_bytes, card.total_bytes

    for name, answer in {
        "mem_get_info": free_and_total,
        "memory_reserved": lambda _: 0,
        "memory_allocated": lambda _: 0,
        "get_device_capability": lambda _: card.capability,
        "get_device_properties": lambda _: SimpleNamespace(is_integrated=int(card.unified)),
    }.items():
        monkeypatch.setattr(torch.cuda, name, answer)
    return asked
