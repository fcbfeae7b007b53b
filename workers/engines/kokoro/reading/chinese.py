"""Mandarin: pypinyin (MIT) knows how characters are read in their words, which rjieba (MIT) finds."""

import re
import unicodedata
from typing import Any

from workers.engines.kokoro.reading import pinyin
from workers.engines.kokoro.reading.base import Reader, Reading, script, sounding, tidy

_PARTS = re.compile(r"([㐀-鿿豈-﫿〇]+)|([A-Za-zÀ-ɏ](?:[A-Za-zÀ-ɏ'’.\- ]*[A-Za-zÀ-ɏ])?)")
_NUMBER = re.compile(r"(\d[\d,]*)(?:\.(\d+))?(%?)")
_FIGURES = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "万亿")
_MARKS = str.maketrans({"。": ".", "、": ",", "《": "“", "》": "”", "「": "“", "」": "”", "【": "“", "】": "”"})


class Chinese:
    """Reads Mandarin, also in traditional characters. ``english``: the reader of what stands in Latin letters."""

    def __init__(self, english: Reader) -> None:
        import rjieba
        from pypinyin import Style, lazy_pinyin

        self._english = english
        self._split: Any = rjieba.cut
        self._pinyin: Any = lazy_pinyin
        self._style = Style.TONE3

    def __call__(self, text: str) -> Reading:
        made, unsaid, end = [], 0, 0
        text = _NUMBER.sub(lambda found: number(found[1].replace(",", ""), found[2] or "", found[3]), _plain(text))
        for found in _PARTS.finditer(text):
            marks, end = text[end : found.start()], found.end()
            unsaid += sounding(marks)
            made.append(_marks(marks))
            phonemes, lost = self._words(found[1]) if found[1] else (self._english(found[2]).phonemes, 0)
            made.append(f" {phonemes} ")
            unsaid += lost
        unsaid += sounding(text[end:])
        made.append(_marks(text[end:]))
        return Reading(tidy("".join(made)), unsaid)

    def _words(self, text: str) -> tuple[str, int]:
        """The phonemes of characters, with spaces between words, and how many have no reading."""
        words, lost = [], 0
        for word in self._split(text):
            written = self._pinyin(word, style=self._style, neutral_tone_with_five=True)
            said = [pinyin.syllable(one) for one in written]
            lost += said.count("")
            words.append("".join(said))
        return " ".join(words), lost


def number(whole: str, fraction: str, percent: str) -> str:
    """A number in characters; one that is very long, or begins with 0, figure by figure."""
    if len(whole) > 4 * len(_GROUPS) or (whole[0] == "0" and len(whole) > 1):
        said = "".join(_FIGURES[int(one)] for one in whole)
    else:
        said = _whole(int(whole))
    if fraction:
        said += "点" + "".join(_FIGURES[int(one)] for one in fraction)
    return f"百分之{said}" if percent else said


def _whole(value: int) -> str:
    made, skipped = "", False
    for place in range(4 * len(_GROUPS) - 1, -1, -1):
        figure = value // 10**place % 10
        if figure:
            made += ("零" if skipped and made else "") + _FIGURES[figure] + _PLACES[place % 4]
            skipped = False
        else:
            skipped = True
        if place % 4 == 0 and value // 10**place % 10_000:
            made += _GROUPS[place // 4]
            skipped = False if value % 10**place >= 10 ** max(place - 1, 0) else skipped
    return (made[1:] if made.startswith("一十") else made) or "零"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_MARKS)


def _marks(text: str) -> str:
    return "".join(one for one in text if script(one) == "mark")
