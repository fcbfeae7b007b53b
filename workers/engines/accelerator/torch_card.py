"""The one place where engines on PyTorch ask it about the accelerator."""

import torch

from models.errors import InvalidRequest
from workers.engines.accelerator.card import Card

_UNUSABLE = ("not compiled with CUDA", "NVIDIA driver")


def card_of(device: torch.device | str) -> Card | None:
    """The card, as it is now; None for the CPU. What PyTorch's own allocator holds unused counts as free.

    Raises InvalidRequest where this PyTorch cannot use a GPU at all, or not with this driver: another try is of no use.
    """
    device = torch.device(device)
    if device.type == "cpu":
        return None
    if device.type == "mps":
        total = torch.mps.recommended_max_memory()
        return Card(None, total, total - torch.mps.driver_allocated_memory(), unified=True)
    try:
        free, total = torch.cuda.mem_get_info(device)
    except (AssertionError, RuntimeError) as error:
        if any(words in str(error) for words in _UNUSABLE):
            raise InvalidRequest(f"PyTorch cannot use the GPU: {error}", param="device") from error
        raise
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    unified = bool(torch.cuda.get_device_properties(device).is_integrated)
    return Card(torch.cuda.get_device_capability(device), total, free + unused, unified)
