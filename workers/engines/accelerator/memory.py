"""How much of a card's memory a model may take, and for what: pure decisions. Sizes are in bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import EngineFailure, InvalidRequest
from workers.engines.accelerator.card import MIB, Card

MOST_SHARE = 0.92
"""The most of a card that vLLM takes, also where it is alone."""
LLAMA_CPP_COMPUTE_BYTES = 512 * MIB
"""What llama.cpp takes for intermediate results, at its default ``n_ubatch``."""
_PICTURE_BYTES = 600
"""Of intermediate results, for each pixel of a picture and each byte of a number, with guidance: SDXL's, rounded up."""


@dataclass(frozen=True, slots=True)
class Attention:
    """A language model's own numbers, of which the size of its KV cache follows. ``masks``: kinds of attention."""

    layers: int
    heads: int
    kv_heads: int
    head_size: int
    hidden_size: int
    vocabulary: int
    masks: int = 1

    def token_bytes(self, number: int) -> int:
        """One token of the cache, keys and values of all layers. ``number``: bytes of a number."""
        return 2 * self.layers * self.kv_heads * self.head_size * number


def kv_tokens(card: Card, model: Attention, number: int, *, most: int, batch: int, logits: int) -> int:
    """How many tokens of cache transformers' continuous batching gets: ``most``, or as many as fit.

    ``card`` as it is with the weights loaded; ``number``: bytes of a number; ``batch``: tokens of a step, of which
    ``logits`` get logits. Beside the cache there are a copy of what one layer reads of it, with a row for each head,
    and a mask of batch by cache.
    """
    heads = 2 * model.heads + 3 * model.kv_heads
    copied = heads * model.head_size * number
    token = model.token_bytes(number) + copied + 8 * model.masks
    mask = batch * number * model.masks
    step = batch * (copied + mask + 2 * model.hidden_size * number)
    head = logits * (model.hidden_size * number + 4 * model.vocabulary)
    room = card.room_bytes * 4 // 5 - step - head  # a fifth for the sampler, and for what the allocator splits
    return max(0, min(most, room // (token + mask)))


def slots(card: Card, weights_bytes: int, token_bytes: int, *, context: int, most: int) -> int:
    """How many requests llama.cpp computes at once, each with a full context: ``most``, or as many as fit; at least 1.

    ``card`` as it is before the weights are loaded.
    """
    room = card.room_bytes - weights_bytes - LLAMA_CPP_COMPUTE_BYTES
    return max(1, min(most, room // (token_bytes * context)))


def pictures_at_once(card: Card, pixels: int, number: int, *, most: int) -> int:
    """How many pictures of so many pixels are drawn in one call: ``most``, or as many as fit; at least 1.

    ``card`` as it is with the weights loaded; ``number``: bytes of a number.
    """
    return max(1, min(most, card.room_bytes // (pixels * number * _PICTURE_BYTES)))


def share(cards: Sequence[Card], reserved: int | None, placed: int = 0) -> float:
    """The share of each card that vLLM may fill, weights, KV cache and all (its ``gpu_memory_utilization``).

    ``reserved`` is the launch's own bound over all of them. Without one vLLM may take of each what it was ``placed``
    with, or, where that is not known (0), what others leave free. Raises InvalidRequest where less than the bound is
    free, EngineFailure where a card does not say how large it is.
    """
    if any(card.total_bytes <= 0 for card in cards):
        raise EngineFailure("a GPU does not say how much memory it has: its driver counts 0 bytes")
    free = min(card.room_bytes / card.total_bytes for card in cards)
    if reserved is not None:
        wanted = max(reserved / len(cards) / card.total_bytes for card in cards)
        if wanted > free:
            raise InvalidRequest(
                f"{reserved} bytes are asked for, and {int(free * sum(card.total_bytes for card in cards))} are free",
                param="memory_bytes",
            )
        free = wanted
    elif placed:
        free = min(free, max(placed / card.total_bytes for card in cards))
    return round(max(0.01, min(MOST_SHARE, free)), 4)
