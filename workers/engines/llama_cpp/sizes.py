"""How many requests llama.cpp computes at once on a GPU, and with how many threads: from the file's own numbers."""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.launching.gguf import header
from models.ledger.cache import gguf_token_bytes
from workers.engines.accelerator.card import Card
from workers.engines.accelerator.memory import slots
from workers.engines.accelerator.threads import cores, host_threads, llama_cpp_most

log = logging.getLogger(__name__)

_SPLIT = re.compile(r"-00001-of-(\d{5})\.gguf$")


def weights_bytes(path: Path) -> int:
    """The size of a model's file, or of all its parts."""
    split = _SPLIT.search(path.name)
    parts = path.parent.glob(f"{path.name[: split.start()]}-*-of-{split[1]}.gguf") if split else [path]
    return sum(part.stat().st_size for part in parts)


def cards_of(devices: Sequence[Mapping[str, Any]], first: int, count: int) -> list[Card]:
    """So many GPUs from the ``first`` on, as ``xllamacpp.get_device_info`` describes them; or as many as it sees."""
    gpus = [device for device in devices if device["type"].name.endswith("GPU")]
    return [
        Card(None, gpu["memory_total"], gpu["memory_free"], unified=gpu["type"].name.endswith("_IGPU"))
        for gpu in gpus[first : first + count]
    ]


def threads_of(asked: int | None, gpu_layers: int | None, *, on_gpu: bool) -> int | None:
    """CPU threads; None: as many as llama.cpp takes by itself."""
    return host_threads(asked, cores(), llama_cpp_most(gpu_layers, on_gpu=on_gpu))


def parallel_of(
    path: Path,
    cards: Sequence[tuple[Card, float]],
    *,
    context: int,
    most: int,
    types: tuple[str, str],
    layers: int | None,
) -> int:
    """How many requests are computed at once: ``most``, or as many as fit on all cards with a full context each.

    ``cards``: each with the fraction of the model that it holds; ``types`` of the cache's keys and values;
    ``layers`` on the cards, None for all.
    """
    try:
        with path.open("rb") as file:
            facts = header(file)
    except (OSError, ValueError) as error:
        log.warning("cannot tell how much memory %s takes: %s", path.name, error)
        return most
    token = gguf_token_bytes(facts, *types)
    if token is None:
        return most
    present = facts[f"{facts['general.architecture']}.block_count"]
    there = 1.0 if layers is None else min(1.0, layers / present)
    weights = weights_bytes(path) * there
    fitting = min(
        slots(card, int(weights * part), max(1, int(token * there * part)), context=context, most=most)
        for card, part in cards
        if part
    )
    if fitting < most:
        log.info("%d requests at once, not %d: a context takes %d MB", fitting, most, token * context // 1_000_000)
    return fitting
