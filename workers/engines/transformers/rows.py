"""Rows that a multimodal model of transformers computes together: begun in one pass, then one token each at every step.

What a processor made of a request's media goes in once, with the prompt. Models count positions in ways of their own
(some count text, height and width separately). So the prompt's positions come from transformers, and the answer's go on
from there by one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicCache

from workers.engines.transformers import cache as caches
from workers.engines.transformers.sampling import Sampling

_CROSS = frozenset(["cross_attention_mask"])
"""Says which of a prompt's pictures each token looks at. Each token of an answer looks at those of the last one."""
_PIXELS = frozenset(["pixel_values", "pixel_values_images", "image_patches"])
"""The names under which towers take pixels."""

Inputs = Mapping[str, Tensor]
"""What a model takes beside token ids, such as pixels. A tensor of [1, prompt's tokens] has a value for each token."""


@dataclass(eq=False, slots=True)
class Row:
    """One answer as it grows. It ends after ``limit`` tokens, or with any of ``ends``."""

    id: str
    prompt: list[int]
    inputs: Inputs
    limit: int
    ends: frozenset[int]
    sampling: Sampling | None
    made: list[int] = field(default_factory=list)
    encoded: Any = None
    """What the model's tower makes of its pictures, once that is computed."""
    gone: bool = False
    """Nobody waits for it any more."""

    @property
    def length(self) -> int:
        """Tokens of prompt and answer."""
        return len(self.prompt) + len(self.made)

    @property
    def over(self) -> bool:
        """Whether it is complete."""
        return len(self.made) >= self.limit or (bool(self.made) and self.made[-1] in self.ends)

    @property
    def shape(self) -> tuple[Any, ...]:
        """The names and shapes of its inputs. Rows of the same shape can be begun in one pass."""
        tokens = (1, len(self.prompt))
        return tuple(
            (name, "token" if values.shape == tokens else values.shape[1:])
            for name, values in sorted(self.inputs.items())
        )


class Batch:
    """Rows in one cache. ``mask``: [rows, columns]; ``positions``: each row's next, [kinds, rows] or [rows]."""

    def __init__(self, rows: list[Row], cache: Cache, mask: Tensor, positions: Tensor) -> None:
        self.rows = rows
        self.cache = cache
        self.mask = mask
        self.positions = positions

    def join(self, other: "Batch") -> None:
        """Take the rows of the other batch into this one."""
        columns = max(self.mask.shape[1], other.mask.shape[1])
        caches.join(self.cache, other.cache, columns)
        self.mask = torch.cat([caches.left_padded(batch.mask, columns) for batch in (self, other)])
        self.positions = torch.cat([self.positions, other.positions], -1)
        self.rows = [*self.rows, *other.rows]

    def keep(self, rows: Sequence[Row]) -> None:
        """Drop all rows but these, and the columns that only dropped rows had. At least one row must be kept."""
        if len(rows) == len(self.rows):
            return
        left = [index for index, row in enumerate(self.rows) if row in rows]
        indices = torch.tensor(left, device=self.mask.device)
        mask = self.mask.index_select(0, indices)
        columns = mask.shape[1] - int(mask.any(0).int().argmax())
        caches.keep(self.cache, indices, columns)
        self.mask, self.positions = mask[:, -columns:], self.positions.index_select(-1, indices)
        self.rows = [self.rows[index] for index in left]


class Forward:
    """A model's two passes. Both give the logits of each row's next token, float32, [rows, vocabulary]."""

    def __init__(self, model: Any, pad: int) -> None:
        self._model = model
        self._pad = pad
        able = model._supports_mm_encoder_outputs() and hasattr(model.base_model, "get_image_features")
        tower: Any = model.base_model.get_image_features if able else None
        self._tower = tower
        self._seen = frozenset[str](signature(tower).parameters if able else ())
        self._config = model.config.get_text_config(decoder=True)
        crossed = bool(getattr(self._config, "cross_attention_layers", None))  # Llama 3.2 looks at pictures in these
        self._carried = _CROSS if crossed else frozenset[str]()
        self.joins = caches.joinable(DynamicCache(config=self._config)) and not crossed
        """Whether rows can be computed together."""
        # Where a row is begun anew, what it made is text, or where a prompt is looked at in both directions, no prompt.
        self._type_of_made = 1 if model.config.model_type == "paligemma" else 0
        # of a whole prompt only the logits of the last position are needed
        self._last = {"logits_to_keep": 1} if "logits_to_keep" in signature(model.forward).parameters else {}

    def to_encode(self, row: Row) -> bool:
        """Whether it has pictures that can be encoded on their own."""
        return row.encoded is None and not _PIXELS.isdisjoint(self._seen & row.inputs.keys())

    @torch.inference_mode()
    def encode(self, row: Row) -> None:
        """Compute what the tower makes of a row's pictures. May run in another thread beside the two passes."""
        with _beside(self._model.device):
            given = {name: self._gathered(name, [row], len(row.prompt)) for name in self._seen & row.inputs.keys()}
            row.encoded = self._tower(**given, return_dict=True)
        row.inputs = {name: values for name, values in row.inputs.items() if name not in _PIXELS}

    @torch.inference_mode()
    def begin(self, rows: list[Row]) -> tuple[Batch, Tensor]:
        """Compute the prompts of rows of one shape, and the tokens that their answers already have.

        A row whose pictures are encoded must be alone.
        """
        longest = max(row.length for row in rows)
        ids, mask = (torch.zeros(len(rows), longest, dtype=torch.long) for _ in range(2))
        ids.fill_(self._pad)
        for number, row in enumerate(rows):
            ids[number, longest - row.length :] = torch.tensor([*row.prompt, *row.made])
            mask[number, longest - row.length :] = 1
        device = self._model.device
        ids, mask = ids.to(device), mask.to(device)
        inputs: dict[str, Any] = {name: self._gathered(name, rows, longest) for name in rows[0].inputs}
        positions = self._model._prepare_position_ids_for_generation(ids, {"attention_mask": mask, **inputs})
        cache = DynamicCache(config=self._config)
        if rows[0].encoded is not None:
            inputs = {name: one for name, one in inputs.items() if name not in self._seen}
            inputs["mm_encoder_outputs"] = {"image": rows[0].encoded}
        logits = self._pass(ids, mask, positions, cache, is_first_iteration=True, **inputs)
        return Batch(list(rows), cache, mask, _following(positions)), logits

    @torch.inference_mode()
    def step(self, batch: Batch) -> Tensor:
        """Compute the last token of each row."""
        ids = torch.tensor([[row.made[-1]] for row in batch.rows], device=batch.mask.device)
        batch.mask = torch.cat([batch.mask, torch.ones_like(ids)], -1)
        positions, batch.positions = batch.positions[..., None], batch.positions + 1
        carried = {name: self._gathered(name, batch.rows, 0) for name in self._carried & batch.rows[0].inputs.keys()}
        return self._pass(ids, batch.mask, positions, batch.cache, is_first_iteration=False, **carried)

    def _pass(self, ids: Tensor, mask: Tensor, positions: Tensor, cache: Cache, **inputs: Any) -> Tensor:
        model: Any = self._model
        prepared = model.prepare_inputs_for_generation(
            ids,
            next_sequence_length=ids.shape[1],
            past_key_values=cache,
            attention_mask=mask,
            position_ids=positions,
            use_cache=True,
            **self._last,
            **inputs,
        )
        logits: Tensor = model(**prepared, return_dict=True).logits[:, -1].float()
        return logits

    def _gathered(self, name: str, rows: list[Row], columns: int) -> Tensor:
        parts = []
        for row in rows:
            values = row.inputs[name]
            if values.shape == (1, len(row.prompt)):
                values = torch.cat([values, values.new_full((1, len(row.made)), self._type_of_made)], 1)
                values = caches.left_padded(values, columns)
            parts.append(values)
        joined = (parts[0] if len(parts) == 1 else torch.cat(parts)).to(self._model.device)
        return joined.to(self._model.dtype) if joined.is_floating_point() else joined


@contextmanager
def _beside(device: torch.device) -> Iterator[None]:
    """A stream of its own on a GPU, so that what is computed in it holds up no other; it is done at the end."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    with torch.cuda.stream(stream):
        yield
    stream.synchronize()


def _following(positions: Tensor) -> Tensor:
    """The positions after the last ones, [..., rows, columns] → [..., rows].

    Where there are four kinds of positions, the first one is the text's, which goes on from its own last position. The
    other kinds all go on from the highest last position among them, as models with such positions do.
    """
    last = positions.amax(-1)
    if positions.ndim == 3:
        apart = 1 if len(last) == 4 else 0
        last = torch.cat([last[:apart], last[apart:].amax(0, keepdim=True).expand_as(last[apart:])])
    return last + 1
