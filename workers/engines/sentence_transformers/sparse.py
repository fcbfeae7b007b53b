"""bge-m3's second kind of vector: a weight for each token of a text, beside the dense one."""

from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy
import torch

from models.errors import InvalidRequest
from workers.engines.sentence_transformers.batcher import TokenSequence
from workers.engines.sentence_transformers.forward import Forward, Tensors

SPARSE = -1
"""The ``kind`` of a sequence whose token weights are asked for: it shares no batch with those of dense vectors."""
FILE = "sparse_linear.pt"


def with_sparse(model: Any, source: Path, tensors: Tensors, dense: Forward, device: str) -> Forward | None:
    """``dense``, which also computes batches of sparse sequences; None where the model has no head for them.

    Raises InvalidRequest where the file is something else than its tensors.
    """
    if not (source / FILE).is_file():
        return None
    try:
        saved = torch.load(source / FILE, map_location=device, weights_only=True)
        weight, bias = saved["weight"].float(), saved["bias"].float()
    except (UnpicklingError, KeyError, TypeError) as error:
        raise InvalidRequest(f"{FILE} is not the weights of one linear layer", param="model_path") from error
    tokenizer = model[0].tokenizer
    named = (tokenizer.cls_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id)
    unused = {one for one in named if one is not None}

    @torch.inference_mode()
    def forward(rows: Sequence[TokenSequence]) -> Any:
        if rows[0].kind != SPARSE:
            return dense(rows)
        features = tensors(rows)
        states = model[0](features)["token_embeddings"].float()
        weights = torch.relu(torch.nn.functional.linear(states, weight, bias))[..., 0].cpu().numpy()
        if not numpy.isfinite(weights).all():
            raise FloatingPointError("the model's numbers overflow: another dtype may help")
        mask = features["attention_mask"].bool().cpu().numpy()
        return [_of_tokens(row.ids, found[read], unused) for row, found, read in zip(rows, weights, mask, strict=True)]

    return forward


def _of_tokens(ids: Sequence[int], weights: Any, unused: set[int]) -> dict[str, float]:
    """The largest weight of each token, by its id, as FlagEmbedding gives them."""
    found: dict[str, float] = {}
    for token, weight in zip(ids, weights.tolist(), strict=True):
        if token not in unused and weight > found.get(str(token), 0):
            found[str(token)] = weight
    return found
