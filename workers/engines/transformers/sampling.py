"""How the transformers engine picks tokens: for each request by its own rules, with its own random numbers.

transformers' batching samples all requests alike. So it is set to be greedy, and a processor of ours, which gets the
scores of each step, marks the token that each request's rules pick. The rows of greedy requests are left unchanged.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessor

from workers.engines.structured.grammars import Walk

NOT_FINITE = "the model's numbers are not finite: its weights are broken, or it needs another dtype"
"""Why an answer ends whose next token cannot be told."""

_FEW = 1024
"""The likeliest tokens. A nucleus (top_p) nearly always ends among them, and to sort all tokens costs 20 times more."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A token that was picked: its natural-log probability before any rule, and the likeliest ids with theirs.

    The likeliest id comes first.
    """

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...]


def best_of(logits: Tensor, tokens: Sequence[int], top: int) -> Iterator[Pick]:
    """The picks of these tokens, with the ``top`` likeliest. Row by row they have the logits, [rows, vocabulary]."""
    logprobs = logits[: len(tokens)].log_softmax(-1)
    best = logprobs.topk(top)
    own = logprobs.gather(-1, torch.tensor(tokens, device=logits.device, dtype=torch.long)[:, None])[:, 0].tolist()
    for token, logprob, ids, values in zip(tokens, own, best.indices.tolist(), best.values.tolist(), strict=True):
        yield Pick(token, logprob, tuple(zip(ids, values, strict=True)))


@dataclass(eq=False, slots=True)
class Sampling:
    """The rules of one choice, and its state. Used by the generation thread alone, except ``picks``.

    Frequency and presence count the tokens of the answer; repetition also counts those of the prompt. Where there is a
    ``walk``, only what its grammar allows is picked. Once it allows nothing, ``broke_at`` is the number of tokens that
    were picked before. Before ``least`` tokens none of ``ends`` is picked, unless the grammar allows nothing else.
    """

    temperature: float
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    frequency: float = 0.0
    presence: float = 0.0
    repetition: float = 1.0
    bias: dict[int, float] = field(default_factory=dict)
    least: int = 0
    ends: Sequence[int] = ()
    logprobs: int | None = None
    random: Random = field(default_factory=Random)
    prompt: Sequence[int] = ()
    walk: Walk | None = None
    broke_at: int | None = None
    picks: deque[Pick] = field(default_factory=deque)
    _counts: Counter[int] = field(default_factory=Counter)
    _seen: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._seen = set(self.prompt) if self.repetition != 1 else set()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Sampling":
        """Itself: when the cache is full, transformers starts a copy of the request, which must go on from here."""
        return self

    @property
    def plain(self) -> bool:
        """Whether these rules are those by which transformers picks on its own: greedy ones."""
        rules = self.frequency or self.presence or self.repetition != 1 or self.bias or (self.least and self.ends)
        return self.temperature == 0 and not rules and self.logprobs is None and self.walk is None

    def pick(self, logits: Tensor) -> int:
        """The next token, from float32 logits of shape [vocabulary], which are left as they are."""
        scores = self._ruled(logits if self.walk is None else self._allowed(logits, self.walk))
        token = int(scores.argmax()) if self.temperature == 0 else self._draw(scores / self.temperature)
        self._counts[token] += 1
        self._seen.add(token)
        if self.walk is not None and self.broke_at is None:
            self.walk.take(token)
        if self.logprobs is not None:
            self.picks.extend(best_of(logits[None], [token], self.logprobs))
        return token

    def _allowed(self, logits: Tensor, walk: Walk) -> Tensor:
        bits = walk.look() if self.broke_at is None else b""
        if not bits:
            self.broke_at = len(walk.tokens) if self.broke_at is None else self.broke_at
            return logits
        refused = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")[: len(logits)] == 0
        return logits.masked_fill(torch.from_numpy(refused).to(logits.device), -torch.inf)

    def _ruled(self, logits: Tensor) -> Tensor:
        scores = logits
        if self.repetition != 1 and self._seen:
            ids = torch.tensor(sorted(self._seen), device=scores.device)
            old = scores[ids]
            scores = scores.clone()
            scores[ids] = torch.where(old > 0, old / self.repetition, old * self.repetition)
        if (self.frequency or self.presence) and self._counts:
            ids = torch.tensor(list(self._counts), device=scores.device)
            counts = torch.tensor(list(self._counts.values()), device=scores.device)
            scores = scores.index_add(0, ids, -(self.frequency * counts + self.presence).to(scores.dtype))
        if self.bias:
            ids = torch.tensor(list(self.bias), device=scores.device)
            values = torch.tensor(list(self.bias.values()), device=scores.device, dtype=scores.dtype)
            scores = scores.index_add(0, ids, values)
        if self.ends and self._counts.total() < self.least:
            scores = _without(scores, self.ends)
        return scores

    def _draw(self, scores: Tensor) -> int:
        ids, probs = self._candidates(scores)
        if self.top_p < 1:  # they are sorted: keep a token if those before it have less than top_p in sum
            probs = probs * (probs.cumsum(0) - probs < self.top_p)
        if self.min_p > 0:
            probs = probs * (probs >= self.min_p * probs.max())
        below = (probs.cpu() if probs.device.type == "mps" else probs).double().cumsum(0)  # Metal has no float64
        at = int(torch.searchsorted(below, below[-1] * self.random.random(), right=True))
        if at == len(below):  # rounding
            at = int(probs.argmax())
        return at if ids is None else int(ids[at])

    def _candidates(self, scores: Tensor) -> tuple[Tensor | None, Tensor]:
        """Token ids (None: all, in order) and their probabilities. Where top_p needs it, the likeliest come first."""
        size = len(scores)
        if 0 < self.top_k < size:
            best = scores.topk(self.top_k)
            return best.indices, best.values.softmax(0)
        probs = scores.softmax(0)
        if self.top_p == 1:
            return None, probs
        if size > _FEW:
            best = probs.topk(_FEW)
            if float(best.values.sum()) >= self.top_p:
                return best.indices, best.values
        ordered = probs.sort(descending=True)
        return ordered.indices, ordered.values


def _without(scores: Tensor, tokens: Sequence[int]) -> Tensor:
    """The scores without these tokens; as they are where nothing else is left."""
    others = scores.index_fill(0, torch.tensor(tokens, device=scores.device), -torch.inf)
    return scores if others.max() == -torch.inf else others


class Sampler(ContinuousBatchingLogitsProcessor):
    """Picks a token for each row whose request has rules, its ``sampling``, and marks it in the scores."""

    def __init__(self, fail: Callable[[str, str], object]) -> None:
        """``fail`` is called with the id of a request that cannot go on, and why; its next tokens mean nothing."""
        self.supported_kwargs = {"sampling": Sampling}
        self.ignored_kwargs = ()
        self._fail = fail
        self._rows: list[tuple[str, Sampling | None]] = []

    def fill_defaults(self, int32_tensor: Tensor) -> None:
        """Fill transformers' tensor of arguments with zeros: we do not use it."""
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> Tensor:
        """Remember the rules of each row. Called before each step, with its requests in the order of the rows."""
        states = [item.state for item in requests_with_new_token]
        self._rows = [(state.request_id, state.logit_processor_kwargs.get("sampling")) for state in states]
        return torch.zeros(len(self._rows), dtype=torch.int32)

    def __call__(self, scores: Tensor, tensor_arg: Tensor) -> Tensor:
        """The scores, [rows, vocabulary], changed so that the argmax of each row is the token that its rules pick."""
        highest = scores.amax(-1).tolist()
        for row, (request, sampling) in enumerate(self._rows):
            if not isfinite(highest[row]):
                self._fail(request, NOT_FINITE)
            elif sampling is not None:
                scores[row, sampling.pick(scores[row])] = torch.inf
        return scores
