"""English, American or British: the lexicons and rules of hibari (Apache-2.0), which are those of Kokoro's authors."""

import re

from workers.engines.kokoro.reading.base import Reading, script, sounding

_GUESS = 2
"""The library's mark of a word that its lexicon lacks, so that a network guesses how it is said."""
_NAMELESS = re.compile(r"\d[\d,]{20,}")
_ENDLESS = re.compile(r"\S{41,}")
_WORD = 20
"""Characters of the pieces of what is longer than any word: the library takes minutes for 1-1-1-1… in one."""


class English:
    """Reads English. Letters of other scripts are left out: the library would make noise of them."""

    def __init__(self, *, british: bool) -> None:
        from hibari.g2p import G2P

        self._g2p = G2P(british=british)

    def __call__(self, text: str) -> Reading:
        from hibari.g2p.normalize import normalize

        kept = "".join(one for one in text if ord(one) < 128 or script(one) in ("latin", "digit", "mark"))
        words = self._g2p.phonemize_tokens(self._g2p.tokenize(normalize(readable(kept))))
        phonemes = "".join((one.phonemes or "") + (" " if one.whitespace else "") for one in words).strip()
        named = [one for one in words if any(letter.isalpha() for letter in one.text)]
        strange = sum(one.rating == _GUESS for one in named)
        return Reading(phonemes, sounding(text) - sounding(kept), strange, len(named))


def readable(text: str) -> str:
    """The text, with very long numbers written figure by figure: the library fails on a number that has no name.

    What is longer than any word is cut into pieces.
    """
    text = _NAMELESS.sub(lambda found: " ".join(found[0].replace(",", "")), text)
    return _ENDLESS.sub(lambda found: _pieces(found[0]), text)


def _pieces(word: str) -> str:
    return " ".join(word[begin : begin + _WORD] for begin in range(0, len(word), _WORD))
