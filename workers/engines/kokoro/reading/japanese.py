"""Japanese: MeCab with the dictionary IPADIC (MIT, BSD) knows how words are read; Latin letters are English."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

from workers.engines.kokoro.reading import kana
from workers.engines.kokoro.reading.base import Reader, Reading, script, sounding, tidy

_PRONUNCIATION = 8
"""Which of IPADIC's features says how a word sounds: as コンニチワ, where it is written こんにちは."""
_LATIN = re.compile(r"([A-Za-zÀ-ɏ](?:[A-Za-zÀ-ɏ'’.&+\- ]*[A-Za-zÀ-ɏ])?)")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3})")
_POINT = re.compile(r"(?<=\d)\.(?=\d)")
_SYMBOLS = str.maketrans(
    {"%": "パーセント", "℃": "ド", "°": "ド", "¥": "エン", "$": "ドル", "&": "アンド", "+": "プラス"}
)
_MARKS = str.maketrans(
    {
        "。": ".",
        "、": ",",
        "「": "“",
        "」": "”",
        "『": "“",
        "』": "”",
        "・": " ",
        "〜": "—",
        "~": "—",
        "【": "(",
        "】": ")",
    }
)
_TAIL = ("助動詞", "接続助詞", "接尾", "非自立")
"""Parts of speech that are said in one word with what stands before them."""


class Word(NamedTuple):
    """A word of the text, its reading in katakana (empty where it has none), and whether it is said with the last."""

    surface: str
    said: str
    joined: bool = False
    number: bool = False


class Japanese:
    """Reads Japanese. ``english``: the reader of what stands in it in Latin letters."""

    def __init__(self, english: Reader) -> None:
        import fugashi
        import ipadic

        self._english = english
        self._tagger: Any = fugashi.GenericTagger(ipadic.MECAB_ARGS)

    def __call__(self, text: str) -> Reading:
        made, unsaid = [], 0
        for number, part in enumerate(_LATIN.split(plain(text))):
            if number % 2:
                reading = self._english(part)
                made.append(f" {reading.phonemes} ")
            elif part:
                words = list(numbers(self._words(part)))
                unsaid += sum(sounding(one.surface) for one in words if not one.said)
                made.append("".join(spoken(words)))
        return Reading(tidy("".join(made)), unsaid)

    def _words(self, text: str) -> Iterator[Word]:
        for node in self._tagger(text):
            surface, features = node.surface, node.feature
            counts = features[0] == "名詞" and features[1] == "数"
            if counts and (surface.isdecimal() or set(surface) <= kana.KANJI_DIGITS):
                yield Word(surface, "", False, True)
                continue
            said = features[_PRONUNCIATION] if len(features) > _PRONUNCIATION else kana.katakana(surface)
            if features[0] == "記号" or not all(script(one) in ("kana", "mark") for one in said):
                said = ""
            joined = features[0] in _TAIL or features[1] in _TAIL
            yield Word(surface, said, joined)


def plain(text: str) -> str:
    """The text in the usual widths, with numbers and symbols in a form that the dictionary knows."""
    text = unicodedata.normalize("NFKC", text)
    return _POINT.sub("点", _GROUPED.sub("", text)).translate(_SYMBOLS)


def numbers(words: Iterator[Word]) -> Iterator[Word]:
    """The words, with each run of numerals read as one number; behind a point, figure by figure."""
    run, fraction = "", False
    for word in words:
        if word.number:
            run += word.surface
            continue
        if run:
            yield _number(run, fraction)
        fraction = bool(run) and word.surface == "点"
        run = ""
        yield word
    if run:
        yield _number(run, fraction)


def _number(run: str, fraction: bool) -> Word:
    figures = run if run.isdecimal() else _mixed(run)
    said = "".join(kana.number(one) for one in figures) if fraction else kana.number(figures)
    return Word(run, said, joined=fraction)


def _mixed(run: str) -> str:
    """A number of kanji, or of figures and kanji: 3万2千."""
    kanji = "".join("〇一二三四五六七八九"[int(one)] if one.isdecimal() else one for one in run)
    return kana.from_kanji(kanji)


def spoken(words: list[Word]) -> Iterator[str]:
    """The sounds of words, with spaces between them, and the marks that a voice pauses at."""
    for word in words:
        if word.said:
            yield ("" if word.joined else " ") + kana.phonemes(word.said)
        else:
            yield "".join(one for one in word.surface.translate(_MARKS) if script(one) == "mark")
