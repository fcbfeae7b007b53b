"""What all readers give, and how they tell characters apart."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Script = Literal["latin", "kana", "han", "digit", "mark", "other"]

_NAMES: tuple[tuple[str, Script], ...] = (
    ("LATIN", "latin"),
    ("COMBINING", "latin"),
    ("HIRAGANA", "kana"),
    ("KATAKANA", "kana"),
    ("HALFWIDTH KATAKANA", "kana"),
    ("CJK", "han"),
    ("IDEOGRAPHIC ITERATION", "han"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence in phonemes.

    ``unsaid``: how many of its characters have no sound. ``strange``: how many of its ``words`` the reader does not
    know, and so reads by the rules of its language.
    """

    phonemes: str
    unsaid: int = 0
    strange: int = 0
    words: int = 0


Reader = Callable[[str], Reading]


def script(character: str) -> Script:
    """What a character belongs to. ``mark`` is what need not sound: spaces, punctuation, controls."""
    if character.isdecimal():
        return "digit"
    kind = unicodedata.category(character)[0]
    if kind in "PZC":
        return "mark"
    name = unicodedata.name(character, "")
    if kind in "LM" or name.startswith(("KATAKANA", "CJK")):
        return next((one for start, one in _NAMES if name.startswith(start)), "other")
    return "other"


def sounding(text: str) -> int:
    """How many characters of the text should sound."""
    return sum(script(one) != "mark" and unicodedata.category(one)[0] != "M" for one in text)


def tidy(phonemes: str) -> str:
    """The phonemes with one space between words and behind marks, none before them, and quotes at their words."""
    phonemes = re.sub(r"(?<=[,.!?:;”)])(?=[^\s,.!?:;”)…])|(?<=\S)(?=[“(])", " ", phonemes)
    phonemes = re.sub(r"(?<=[“(])\s+|\s+(?=[,.!?:;”)…])", "", phonemes)
    return re.sub(r"\s+", " ", phonemes).strip()
