"""bge-m3's other kinds of vectors, beside the dense one: a weight for each token of a text, or a vector for each.

Each is made by a linear layer over the network's last states, in a file of its own beside the weights.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy
import torch

from models.errors import InvalidRequest
from workers.engines.sentence_transformers.batcher import TokenSequence
from workers.engines.sentence_transformers.forward import Forward, Tensors

SPARSE, MULTI = -1, -2
"""The ``kind`` of a sequence of whose tokens weights, or vectors, are asked for: only equals share a batch."""
_FILES = {SPARSE: "sparse_linear.pt", MULTI: "colbert_linear.pt"}

_Shape = Callable[[Sequence[TokenSequence], Any, Any], list[Any]]
"""Results from sequences, what the layer made of them, and which places have a token; both as numpy."""


def with_heads(
    model: Any, source: Path, tensors: Tensors, dense: Forward, device: str
) -> tuple[Forward, dict[int, int]]:
    """``dense``, which also computes batches of the kinds that the model has a layer for, and those kinds.

    Of each kind the numbers that it gives for a token. Raises InvalidRequest where a file is something else than a
    layer's tensors.
    """
    layers = {kind: _layer(source / name, device) for kind, name in _FILES.items() if (source / name).is_file()}
    if not layers:
        return dense, {}
    tokenizer = model[0].tokenizer
    named = (tokenizer.cls_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id)
    unused = {one for one in named if one is not None}
    shapes: dict[int, _Shape] = {SPARSE: partial(_weights, unused), MULTI: _vectors}

    @torch.inference_mode()
    def forward(rows: Sequence[TokenSequence]) -> Any:
        kind = rows[0].kind
        if kind not in layers:
            return dense(rows)
        features = tensors(rows)
        states = model[0](features)["token_embeddings"].float()
        made = torch.nn.functional.linear(states, *layers[kind])
        found = torch.relu(made) if kind == SPARSE else torch.nn.functional.normalize(made, dim=-1)
        numbers = found.cpu().numpy()
        if not numpy.isfinite(numbers).all():
            raise FloatingPointError("the model's numbers overflow: another dtype may help")
        return shapes[kind](rows, numbers, features["attention_mask"].bool().cpu().numpy())

    return forward, {kind: weight.shape[0] for kind, (weight, _) in layers.items()}


def _layer(file: Path, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of a linear layer."""
    try:
        saved = torch.load(file, map_location=device, weights_only=True)
        return saved["weight"].float(), saved["bias"].float()
    except (UnpicklingError, KeyError, TypeError) as error:
        raise InvalidRequest(f"{file.name} is not the weights of one linear layer", param="model_path") from error


def _weights(unused: set[int], rows: Sequence[TokenSequence], numbers: Any, mask: Any) -> list[dict[str, float]]:
    """The largest weight of each token, by its id, as FlagEmbedding gives them."""
    made = []
    for row, found, read in zip(rows, numbers[..., 0], mask, strict=True):
        largest: dict[str, float] = {}
        for token, weight in zip(row.ids, found[read].tolist(), strict=True):
            if token not in unused and weight > largest.get(str(token), 0):
                largest[str(token)] = weight
        made.append(largest)
    return made


def _vectors(rows: Sequence[TokenSequence], numbers: Any, mask: Any) -> list[memoryview]:
    """A vector for each token but the first, which stands for the whole text, as FlagEmbedding gives them."""
    vectors: Any = (numpy.ascontiguousarray(found[read][1:]) for found, read in zip(numbers, mask, strict=True))
    return [memoryview(one) for one in vectors]
