"""A text in sentences, and a sentence's phonemes in pieces that the network takes. Pure."""

import re
from collections.abc import Iterator

_WIDE_END = re.compile(r"[。！？!?]+[」』）”’\"]*")
_END = re.compile(r"(?<=[.!?…])[\"”’)\]]*\s+(?=\S)")
_TITLES = frozenset(["mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "vs", "no"])
_MARKS = ",.!?:;…—"
_LONGEST = 400
"""Characters that are read at once: dictionaries take long for texts without an end."""


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """Each sentence, with the position in the text at which it ends. Lines and the marks of all scripts end one.

    One of more than 400 characters is cut behind a mark, else between words, else anywhere.
    """
    for position, sentence in _whole(text):
        *parts, last = pieces(sentence, _LONGEST)
        begin = position - len(sentence)
        for part in parts:
            begin += len(part)
            yield begin, part
        yield position, last


def _whole(text: str) -> Iterator[tuple[int, str]]:
    for line in re.finditer(r"[^\n]+", text):
        begin = line.start()
        for end in (*_ends(line[0]), len(line[0])):
            sentence = text[begin : line.start() + end]
            begin = line.start() + end
            if sentence.strip():
                yield begin, sentence.strip()


def _ends(line: str) -> list[int]:
    wide = (found.end() for found in _WIDE_END.finditer(line) if set(found[0]) & set("。！？"))
    narrow = (found.start() for found in _END.finditer(line) if _ends_one(line, found))
    return sorted({*wide, *narrow} - {len(line)})


def _ends_one(line: str, found: re.Match[str]) -> bool:
    """Whether the mark ends a sentence: not behind a title or an initial, nor before a small letter."""
    before = re.search(r"(\w+)\.$", line[: found.start()])
    title = before is not None and (before[1].lower() in _TITLES or (len(before[1]) == 1 and before[1].isupper()))
    return not title and not line[found.end()].islower()


def pieces(phonemes: str, most: int) -> Iterator[str]:
    """A sentence in pieces of at most ``most`` phonemes: cut behind a mark, else between words, else anywhere."""
    while len(phonemes) > most:
        half = most // 2
        mark = max(phonemes.rfind(f"{one} ", half, most) for one in _MARKS)
        space = phonemes.rfind(" ", 1, most)
        cut = mark + 1 if mark > 0 else space if space > 0 else most
        yield phonemes[:cut]
        phonemes = phonemes[cut:].lstrip()
    if phonemes:
        yield phonemes
