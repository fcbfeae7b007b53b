"""What computes a batch of sequences, in a lane's thread: tensors, the network, one row of numbers a sequence."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy
import torch

from workers.engines.sentence_transformers.batcher import TokenSequence

Forward = Callable[[Sequence[TokenSequence]], Any]
Tensors = Callable[[Sequence[TokenSequence]], dict[str, Any]]


class Padding:
    """Makes a batch's tensors, padded to its longest sequence."""

    def __init__(self, first: Any, device: str) -> None:
        """``first`` is the model's first module, which holds network and tokenizer."""
        tokenizer = first.tokenizer
        self._token = tokenizer.pad_token_id or 0
        self._left = tokenizer.padding_side == "left"
        self._types = "token_type_ids" in tokenizer.model_input_names
        self._device = device
        self._more: dict[str, Any] = {"modality": "text" if "text" in first.modality_config else "message"}
        if first.transformer_task == "text-generation":
            self._more["logits_to_keep"] = 1  # the last token's; the tokenizer pads on the left

    def __call__(self, rows: Sequence[TokenSequence]) -> dict[str, Any]:
        shape = len(rows), max(len(row.ids) for row in rows)
        ids = numpy.full(shape, self._token, numpy.int64)
        mask = numpy.zeros(shape, numpy.int64)
        types = numpy.zeros(shape, numpy.int64)
        for number, row in enumerate(rows):
            part = slice(shape[1] - len(row.ids), None) if self._left else slice(len(row.ids))
            ids[number, part] = row.ids
            mask[number, part] = 1
            if self._types and row.types:
                types[number, part] = row.types
        arrays = {"input_ids": ids, "attention_mask": mask} | ({"token_type_ids": types} if self._types else {})
        found: dict[str, Any] = {name: torch.from_numpy(array).to(self._device) for name, array in arrays.items()}
        if rows[0].kind > 0:
            found["prompt_length"] = rows[0].kind
        return found | self._more


class Bags:
    """Makes a batch's tensors for static embeddings: all ids in a row, and where each sequence begins."""

    def __init__(self, device: str) -> None:
        self._device = device

    def __call__(self, rows: Sequence[TokenSequence]) -> dict[str, Any]:
        starts = numpy.cumsum([0, *(len(row.ids) for row in rows[:-1])])
        ids = numpy.array([one for row in rows for one in row.ids], numpy.int64)
        arrays = {"input_ids": ids, "offsets": starts.astype(numpy.int64)}
        return {name: torch.from_numpy(array).to(self._device) for name, array in arrays.items()}


def vectors(model: Any, tensors: Tensors, *, normalize: bool) -> Forward:
    """One embedding a sequence, of length 1 where ``normalize``."""

    @torch.inference_mode()
    def forward(rows: Sequence[TokenSequence]) -> Any:
        found = model(tensors(rows))["sentence_embedding"].float()
        if normalize:
            found = torch.nn.functional.normalize(found, dim=-1)
        return _finite(found)

    return forward


def activation_of(model: Any, *, normalize: bool) -> Any:
    """What makes scores of the network's numbers: the model's own, or a sigmoid where it has none and ``normalize``."""
    own = model.activation_fn
    return torch.nn.Sigmoid() if normalize and isinstance(own, torch.nn.Identity) else own


def scores(model: Any, tensors: Tensors, *, normalize: bool) -> Forward:
    """One score a sequence, under the model's own activation; from 0 to 1 where ``normalize``."""
    activation = activation_of(model, normalize=normalize)

    @torch.inference_mode()
    def forward(rows: Sequence[TokenSequence]) -> Any:
        return _finite(activation(model(tensors(rows))["scores"].float()).reshape(len(rows)))

    return forward


def _finite(found: torch.Tensor) -> Any:
    """On the CPU, as numpy. Raises FloatingPointError."""
    values = found.cpu().numpy()
    if not numpy.isfinite(values).all():
        raise FloatingPointError("the model's numbers overflow: another dtype may help")
    return values
