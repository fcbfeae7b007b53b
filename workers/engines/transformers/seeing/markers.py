"""Keeps what a client writes from counting as one of a model's markers: for a picture's place, or for a turn's end.

transformers guards the markers of turns, but many processors count those of pictures by themselves, in the whole text;
and some cannot be guarded at all. So a sign that no text has is put into each marker that a client writes, which then
is none to anybody, and the tokenizer drops the sign after it has looked for markers.
"""

import re
from collections.abc import Collection
from copy import deepcopy
from typing import Any

from tokenizers import pre_tokenizers

_SIGN = "\U000f0002"
"""Of a private plane, and beside the two that transformers takes for itself."""


def dropping(tokenizer: Any) -> Any | None:
    """A copy of the tokenizer that drops the sign; None where it is none of the library's fast ones."""
    if not getattr(tokenizer, "is_fast", False):
        return None
    copied = deepcopy(tokenizer)
    backend = copied.backend_tokenizer
    split = pre_tokenizers.Split(_SIGN, "removed")
    own = backend.pre_tokenizer
    backend.pre_tokenizer = split if own is None else pre_tokenizers.Sequence([split, own])
    return copied


def of_media(processor: Any) -> set[str]:
    """The markers that a processor has beside its tokenizer's."""
    named = {name: value for name, value in vars(processor).items() if name.endswith(("_token", "_tag"))}
    return {value for value in named.values() if isinstance(value, str) and len(value) > 1 and not value.isspace()}


def of_turns(tokenizer: Any, template: str) -> set[str]:
    """The special tokens, and the added ones that the chat template writes."""
    added = tokenizer.added_tokens_decoder.values()
    return {
        one.content
        for one in added
        if len(one.content) > 1 and not one.content.isspace() and (one.special or one.content in template)
    }


class Breaker:
    """Puts the sign into these markers."""

    def __init__(self, markers: Collection[str]) -> None:
        longest_first = sorted(markers, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def broken(self, value: Any) -> Any:
        """The same text; or the same list or object, with all texts in it. What else there is, is left as it is."""
        if isinstance(value, str):
            return self._pattern.sub(lambda found: found[0][0] + _SIGN + found[0][1:], value.replace(_SIGN, ""))
        if isinstance(value, dict):
            return {key: self.broken(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.broken(one) for one in value]
        return value
