"""What a token of a model's vocabulary is called where it stands alone."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

Name = tuple[str, bytes]
"""A token's text, and where that is no characters, its bytes."""

_BROKEN = "\ufffd"
_FALLBACK = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def name_of(tokenizer: Any, token: int) -> Name:
    """The name of one of the tokenizer's ids."""
    text: str = tokenizer.decode([token], clean_up_tokenization_spaces=False)
    return text, _raw(tokenizer.convert_ids_to_tokens(token) or "") if _BROKEN in text else b""


def _raw(entry: str) -> bytes:
    """The bytes of a vocabulary's entry: written in digits, or each as the character that GPT-2 has for it."""
    if found := _FALLBACK.fullmatch(entry):
        return bytes.fromhex(found[1])
    known = _byte_characters()
    return bytes(known[one] for one in entry) if all(one in known for one in entry) else b""


@cache
def _byte_characters() -> dict[str, int]:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    characters: Callable[[], dict[int, str]] = bytes_to_unicode
    return {character: byte for byte, character in characters().items()}
