"""Log probabilities of a prompt's own tokens, from llama.cpp, whose server gives those of generated tokens alone.

So the prompt is generated again: it begins with its first token, and a grammar allows nothing but the token that
follows there. What is reported is the probability before any grammar. It takes a step for each token, in one of the
slots that all requests share, so the others go on beside it. Each call makes a few tokens and finds the ones before
them in the slot's cache. Only between calls can the request be stopped.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from models.errors import EngineFailure
from models.modalities.text import TokenLogprob
from workers.engines.llama_cpp import wire
from workers.engines.llama_cpp.scoring.model import LIKELY, ScoredModel

_TOKENS = 32
"""Tokens of one call."""


class PromptScore:
    """The scores of one prompt: found by the first of its choices that needs them, while the others wait."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._lock = threading.Lock()
        self._tokens: tuple[TokenLogprob, ...] = ()

    def tokens(self, model: ScoredModel, ids: Sequence[int], over: Callable[[], bool]) -> tuple[TokenLogprob, ...]:
        """The prompt's tokens with their log probabilities. Raises EngineFailure. Blocks.

        Once ``over`` is true they are no more than a beginning.
        """
        with self._lock:
            if not self._tokens:
                first = TokenLogprob(model.text_of([ids[0]]), None)
                self._tokens = (first, *PromptWalk(model, ids, self._top).tokens(over))
            return self._tokens


class PromptWalk:
    """Generates a prompt again. Each token gets ``top`` alternatives."""

    def __init__(self, model: ScoredModel, ids: Sequence[int], top: int) -> None:
        self._model = model
        self._ids = ids
        self._top = top

    def tokens(self, over: Callable[[], bool]) -> list[TokenLogprob]:
        """The log probabilities of all tokens but the first; a beginning of them once ``over`` is true.

        Raises EngineFailure.
        """
        made: list[wire.Token] = []
        while len(made) < len(self._ids) - 1 and not over():
            at = len(made) + 1
            made += self._forced(at) or self._searched(at, LIKELY) or self._searched(at, self._model.vocabulary)
            if len(made) < at:
                raise EngineFailure("llama.cpp does not report a token of the prompt")
        return [self._named(token) for token in made]

    def _forced(self, at: int) -> list[wire.Token]:
        """The tokens from ``at`` on, as far as they are reported.

        A token that ends within a character is not: llama.cpp waits for the rest, and reports the last one only. After
        a token that ends a text nothing more is generated.
        """
        wanted = self._ids[at : at + _TOKENS]
        grammar = "%llguidance {}\nstart: " + " ".join(f"<[{token}]>" for token in wanted)
        made = self._model.generate(self._ids[:at], len(wanted), self._top, grammar=grammar)
        as_wanted = [token.id == id_ for token, id_ in zip(made, wanted, strict=False)]
        return made[: as_wanted.index(False) if False in as_wanted else len(as_wanted)]

    def _searched(self, at: int, most: int) -> list[wire.Token]:
        """The token at ``at``, if it is among the ``most`` likeliest there."""
        likeliest = self._model.likeliest(self._ids[:at], most)
        found = [token for token in likeliest if token.id == self._ids[at]]
        return [msgspec.structs.replace(token, top_logprobs=likeliest[: self._top]) for token in found]

    def _named(self, token: wire.Token) -> TokenLogprob:
        """A token as Headrace has it. llama.cpp leaves out the texts of special tokens."""
        found = token.token_logprob(self._top)
        return found if found.token else replace(found, token=self._model.text_of([token.id]))
