"""Asks a running llama.cpp for the tokens that may follow others, with their log probabilities."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from models.errors import EngineFailure
from workers.engines.llama_cpp import wire

LIKELY = 256
"""Tokens among which one is looked for first; then it is looked for among all."""
_SURE = 1e5
"""Added to the logit of a token, it makes that token certain."""


class _Content(msgspec.Struct):
    content: list[wire.Token] = msgspec.field(default_factory=list)


class _Choice(msgspec.Struct):
    logprobs: _Content | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice] = msgspec.field(default_factory=list)
    error: wire.Refusal | None = None


_decode = msgspec.json.Decoder(_Completion).decode


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """What scoring needs of a running model. Its functions block.

    ``complete``: llama.cpp's whole answer to the body of a completion; ``text_of``: the text of token ids; ``filler``:
    a token that is text by itself; ``vocabulary``: how many tokens there are.
    """

    complete: Callable[[dict[str, Any]], bytes]
    text_of: Callable[[list[int]], str]
    filler: int
    vocabulary: int

    def generate(self, ids: Sequence[int], count: int, top: int, **forced: Any) -> list[wire.Token]:
        """At most ``count`` tokens after ``ids``, as far as they are reported, with ``top`` alternatives each.

        ``forced``: fields of the body that decide which tokens they are. Raises EngineFailure.
        """
        body = {"prompt": list(ids), "max_tokens": count, "logprobs": max(1, top), "stream": False}
        body |= {"temperature": 0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0}
        completion = _decode(self.complete(body | forced))
        if completion.error is not None:
            raise EngineFailure(f"llama.cpp: {completion.error.message}")
        logprobs = completion.choices[0].logprobs if completion.choices else None
        return [] if logprobs is None else logprobs.content

    def likeliest(self, ids: Sequence[int], most: int) -> list[wire.Token]:
        """The ``most`` likeliest tokens after ``ids``, the likeliest first. Raises EngineFailure.

        Another token is generated, which is text by itself, since a part of a character would not be reported.
        """
        made = self.generate(ids, 1, most, logit_bias=[[self.filler, _SURE]])
        return made[0].top_logprobs if made else []
