"""What of a text a voice can say, and its phonemes in pieces that a network takes. Pure."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from models.errors import InvalidRequest

MOST_DIGITS = 200
"""Most digits in a row: a telephone number or a key has fewer, and what has more takes minutes to read."""
_NAMELESS = re.compile(r"\d{16,}")
_WORD = re.compile(r"[^\W\d]{60}(?=[^\W\d])")
"""espeak-ng drops what is beyond some 130 letters of a word, and beyond 26 digits of a number."""
_MARKS = frozenset(",.!?:;…—")

_SCRIPTS = {
    "LATIN": "af ca cs cy da de en es et eu fi fr ga hr hu id is it ku lb lt lv ms mt nb nl nn no pl pt ro sk sl sq sv "
    "sw tr vi",
    "ARABIC": "ar fa ur",
    "ARMENIAN": "hy",
    "CJK": "cmn ja yue zh",
    "CYRILLIC": "be bg kk mk ru sr uk",
    "DEVANAGARI": "hi mr ne",
    "GEORGIAN": "ka",
    "GREEK": "el",
    "HANGUL": "ko",
    "HEBREW": "he",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "MALAYALAM": "ml",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAI": "th",
}
"""The languages that are written in a script; it is the first word of its letters' names."""
_LETTERS = {
    "da": "æøåéèêóôàäöüçñ",
    "de": "äöüßéèêàâôîçñ",
    "en": "éèêëïîçñàáâíóôû",
    "es": "áéíñóúüàèç",
    "fr": "àâæçéèêëîïôœùûüÿñ",
    "it": "àèéìîòóùêçü",
    "nl": "áàâäèéêëíïîóôöúüûçñ",
    "no": "æøåéèêòóôàäöüçñ",
    "pl": "ąćęłńóśźżéèüöäçñ",
    "pt": "àáâãçéêíóôõúüèñ",
    "sv": "åäöéèêàüçñ",
}
"""The letters beyond a to z that a language writes, in words from other languages too. Of others nothing is said."""
_WORDS = re.compile(r"[^\W\d_]+")
_FEW = 2
_SHARE = 8
_EVERYWHERE = frozenset(["LATIN", "COMBINING", "MODIFIER", "FEMININE", "MASCULINE", ""])


def check_text(text: str) -> None:
    """Raise InvalidRequest for control characters, and for numbers without end."""
    for place, one in enumerate(text):
        if unicodedata.category(one) in ("Cc", "Cs") and one not in "\t\n\r":
            raise InvalidRequest(
                f"the text has the control character U+{ord(one):04X} at character {place}", param="input"
            )
    longest = max((len(found[0]) for found in re.finditer(r"\d+", text)), default=0)
    if longest > MOST_DIGITS:
        raise InvalidRequest(
            f"the text has a number of {longest} digits; this model reads {MOST_DIGITS} in a row", param="input"
        )


def readable(text: str) -> str:
    """The text as espeak-ng can read it to its end.

    Letters in wide and other fancy forms become plain; numbers without a name are read digit by digit; words without
    end are cut. What looks like Piper's own marks around phonemes, ``[[…]]``, is text.
    """
    plain = "".join(unicodedata.normalize("NFKC", one) if _is_fancy(one) else one for one in text)
    plain = _NAMELESS.sub(lambda number: ", ".join(number[0]), plain).replace("[[", "[ [")
    return _WORD.sub(lambda word: f"{word[0]} ", plain)


def sayable(text: str, family: str, has_sound: Callable[[str], bool]) -> tuple[str, int]:
    """The text without letters of scripts that the language is not written in, and how many characters have no sound.

    ``has_sound`` says whether a single character has one. espeak-ng would read "Chinese letter" for each foreign one.
    """
    beyond = Counter(one for one in text if ord(one) > 127)
    scripts = {script for script, languages in _SCRIPTS.items() if family in languages.split()}
    foreign = {one for one in beyond if scripts and _is_foreign(one, scripts)}
    silent = {one for one in beyond if unicodedata.category(one)[0] in "LNS" and one not in foreign}
    silent = {one for one in silent if not has_sound(one)}
    unsaid = sum(beyond[one] for one in foreign | silent if unicodedata.category(one)[0] != "M")
    return "".join(one for one in text if one not in foreign), unsaid


def is_other_language(text: str, family: str) -> bool:
    """Whether the letters show that a text is in another language of Latin letters, whatever its words are.

    At least two different words, and an eighth of all, have a letter that the language does not write. Words that begin
    with a capital do not count: they may be names.
    """
    if family not in _LETTERS:
        return False
    words = _WORDS.findall(unicodedata.normalize("NFC", text))
    strange = {word for word in words if word[0].islower() and any(_is_strange(one, family) for one in word)}
    return len(strange) >= _FEW and len(strange) * _SHARE >= len(words)


def _is_strange(one: str, family: str) -> bool:
    known = ord(one) < 128 or one.lower() in _LETTERS[family]
    return not known and unicodedata.name(one, "").startswith("LATIN SMALL LETTER")


def pieces(phonemes: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    """A sentence in pieces of at most ``most`` phonemes: cut behind a mark, else between words, else anywhere."""
    while len(phonemes) > most:
        spaces = [place for place in range(1, most) if phonemes[place] == " "]
        marks = [place for place in spaces if place > most // 2 and phonemes[place - 1] in _MARKS]
        cut = (marks or spaces or [most])[-1]
        yield phonemes[:cut]
        phonemes = phonemes[cut:]
    if phonemes:
        yield phonemes


def _is_fancy(one: str) -> bool:
    return ord(one) > 127 and unicodedata.category(one) in ("Lu", "Ll", "Nd") and bool(unicodedata.decomposition(one))


def _is_foreign(one: str, scripts: set[str]) -> bool:
    """Whether it is a letter, or a mark of one, of another script than these and the Latin one."""
    if unicodedata.category(one)[0] not in "LM":
        return False
    script = unicodedata.name(one, "").partition(" ")[0].partition("-")[0]
    return script not in scripts | _EVERYWHERE
