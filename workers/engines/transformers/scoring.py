"""Log probabilities of a prompt's own tokens: computed piece by piece, between the steps of the batch.

A piece has so few tokens that its logits take little memory, and that the answers of others wait for one short pass.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from models.errors import EngineFailure
from models.modalities.text import TokenLogprob
from workers.engines.threads.round_robin import RoundRobin
from workers.engines.transformers import cache as caches
from workers.engines.transformers.sampling import NOT_FINITE, best_of
from workers.engines.transformers.vocabulary import Name, named, named_all

_NUMBERS = 1 << 24
"""Logits of one piece, at most: 64 MB, and as much again for their logarithms."""
_CPU_TOKENS, _GPU_TOKENS = 64, 512
"""Tokens of one piece, at most."""
_LEAST = 16


@dataclass(frozen=True, slots=True)
class Scores:
    """A prompt's tokens with their log probabilities, and the logits of the token that follows: [vocabulary]."""

    tokens: tuple[TokenLogprob, ...]
    following: Tensor


@dataclass(frozen=True, slots=True)
class Scoring:
    """One prompt to be scored. Its functions are called in the scorer's thread.

    ``top``: how many alternatives each token gets. It is left alone once ``over`` is true; else ``done`` takes the
    scores, or the exception that the model raised.
    """

    ids: Sequence[int]
    top: int
    over: Callable[[], bool]
    done: Callable[[Scores | Exception], None]


def piece_tokens(vocabulary: int, *, on_cpu: bool) -> int:
    """How many tokens of a prompt are computed at once."""
    return max(_LEAST, min(_CPU_TOKENS if on_cpu else _GPU_TOKENS, _NUMBERS // vocabulary))


class Scorer:
    """Scores the prompts of one model in a thread. ``manager`` computes its answers, and is paused for each piece."""

    def __init__(self, model: Any, manager: Any, name_of: Callable[[int], Name]) -> None:
        config = model.config.get_text_config(decoder=True)
        self._model = model
        self._config = config
        self._manager = manager
        self._name_of = name_of
        self._piece = piece_tokens(config.vocab_size, on_cpu=model.device.type == "cpu")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="score")
        self._waiting: RoundRobin[Scoring] = RoundRobin()
        self.able = caches.joinable(DynamicCache(config=config))
        """Whether prompts of this model can be computed piece by piece."""

    def add(self, prompts: Sequence[Scoring]) -> None:
        """Score the prompts of one request; requests take turns."""
        self._waiting.add(prompts)
        for _ in prompts:
            self._thread.submit(self._run)

    def close(self) -> None:
        """Begin no further piece; ``over`` must be true for all prompts."""
        self._thread.shutdown(cancel_futures=True)

    def _run(self) -> None:
        scoring = self._waiting.take()
        try:
            scores = self._score(scoring)
            if scores is not None:
                scoring.done(scores)
        except Exception as error:  # noqa: BLE001  # whatever the model raises, the client must get an error
            scoring.done(error)

    @torch.inference_mode()
    def _score(self, scoring: Scoring) -> Scores | None:
        """The scores of a prompt; None once it is over."""
        ids, logits = torch.tensor([scoring.ids]), torch.empty(0)
        mask = torch.ones_like(ids)
        positions = self._model._prepare_position_ids_for_generation(ids, {"attention_mask": mask})
        cache = DynamicCache(config=self._config)
        tokens = [named(self._name_of, scoring.ids[0], None, ())]
        for begin in range(0, len(scoring.ids), self._piece):
            if scoring.over():
                return None
            end = begin + self._piece
            with self._manager.pause():
                logits = self._pass(ids[:, begin:end], mask[:, :end], positions[..., begin:end], cache)
                if not logits.amax(-1).isfinite().all():
                    raise EngineFailure(f"transformers: {NOT_FINITE}")
                picks = list(best_of(logits, scoring.ids[begin + 1 : end + 1], scoring.top))
            tokens += named_all(self._name_of, picks)
        return Scores(tuple(tokens), logits[-1].clone())

    def _pass(self, ids: Tensor, mask: Tensor, positions: Tensor, cache: DynamicCache) -> Tensor:
        """The logits of a piece, float32, [tokens, vocabulary]."""
        device = self._model.device
        prepared = self._model.prepare_inputs_for_generation(
            ids.to(device),
            next_sequence_length=ids.shape[1],
            past_key_values=cache,
            attention_mask=mask.to(device),
            position_ids=positions.to(device),
            use_cache=True,
            is_first_iteration=cache.get_seq_length() == 0,
        )
        logits: Tensor = self._model(**prepared, return_dict=True).logits[0].float()
        return logits
