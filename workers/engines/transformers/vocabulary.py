"""The name of a token where it stands alone, as in a list of log probabilities."""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from models.modalities.text import TokenLogprob
from workers.engines.transformers.sampling import Pick

Name = tuple[str, bytes]
"""A token's text, and its bytes where these are not whole characters."""

_BROKEN = "\ufffd"
_FALLBACK = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def name_of(tokenizer: Any, token: int) -> Name:
    """The name of one of the tokenizer's ids."""
    text: str = tokenizer.decode([token], clean_up_tokenization_spaces=False)
    return text, _raw(tokenizer.convert_ids_to_tokens(token) or "") if _BROKEN in text else b""


def named_all(name_of: Callable[[int], Name], picks: Iterable[Pick]) -> list[TokenLogprob]:
    """These tokens with their texts."""
    return [
        named(name_of, pick.token, pick.logprob, [named(name_of, *other, ()) for other in pick.top]) for pick in picks
    ]


def named(
    name_of: Callable[[int], Name], token: int, logprob: float | None, top: Iterable[TokenLogprob]
) -> TokenLogprob:
    """A token with its text."""
    text, raw = name_of(token)
    return TokenLogprob(text, logprob, tuple(top), raw)


def _raw(entry: str) -> bytes:
    """The bytes of a vocabulary's entry, where a byte is written in hex, or as the character that GPT-2 has for it."""
    if match := _FALLBACK.fullmatch(entry):
        return bytes.fromhex(match[1])
    known = _byte_characters()
    return bytes(known[character] for character in entry) if all(character in known for character in entry) else b""


@cache
def _byte_characters() -> dict[str, int]:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    characters: Callable[[], dict[int, str]] = bytes_to_unicode
    return {character: byte for byte, character in characters().items()}
