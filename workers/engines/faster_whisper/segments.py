"""Segments, as OpenAI's: what Whisper found in a clip, in seconds of the recording, cut into sentences."""

from collections.abc import Callable, Iterator
from typing import Any

FRAMES = 100
"""Of Whisper, in a second."""

Segment = dict[str, Any]
"""Each with a list of ``words`` where their times were found."""

_ENDS = (".", "?", "!", "…", "。", "？", "！", "।", "؟")  # noqa: RUF001  # marks of other scripts
_PAUSE_S = 1.0
_LONGEST = 120


def whole(one: Any, start_s: float, place_s: float = 0.0) -> Segment:
    """A segment as of the recording, in which its clip begins at ``start_s``; ``place_s`` is where it began here."""
    offset = start_s - place_s
    found: Segment = {
        "seek": max(round(one.seek + offset * FRAMES), 0),
        "start": _moved(one.start, offset),
        "end": _moved(one.end, offset),
        "text": one.text.rstrip(),
        "tokens": [int(token) for token in one.tokens],
        "temperature": float(one.temperature or 0.0),
        "avg_logprob": float(one.avg_logprob),
        "compression_ratio": float(one.compression_ratio),
        "no_speech_prob": float(one.no_speech_prob),
    }
    if one.words is not None:
        found["words"] = [
            {"word": word.word, "start": _moved(word.start, offset), "end": _moved(word.end, offset)}
            for word in one.words
        ]
    return found


def sentences(segment: Segment, tokens: Callable[[str], list[int]]) -> Iterator[Segment]:
    """A segment cut where sentences end, where there is a pause, and where it gets too long to be read at once.

    Without words, or where they do not make up the text, it is left whole.
    """
    words = segment.get("words") or []
    if "".join(word["word"] for word in words).strip() != segment["text"].strip():
        yield segment
        return
    begin, length = 0, 0
    for place, word in enumerate(words):
        length += len(word["word"])
        after = words[place + 1] if place + 1 < len(words) else None
        if after is None or _ends(word, after) or length + len(after["word"]) > _LONGEST:
            some = words[begin : place + 1]
            text = "".join(one["word"] for one in some).rstrip()
            times = {"start": some[0]["start"], "end": max(some[-1]["end"], some[0]["start"])}
            yield segment | times | {"text": text, "tokens": tokens(text), "words": some}
            begin, length = place + 1, 0


def _ends(word: dict[str, Any], after: dict[str, Any]) -> bool:
    if after["start"] - word["end"] >= _PAUSE_S:
        return True
    text = word["word"].strip().rstrip("\"'”’)]»")  # noqa: RUF001  # quotation marks
    return text.endswith(_ENDS) and not _title(text)


def _title(text: str) -> bool:
    """ "Dr.", "J.", "St.": short, with a capital letter, and no end of a sentence."""
    return text.endswith(".") and text[:1].isupper() and text[:-1].isalpha() and len(text) <= 3


def _moved(seconds: float, offset: float) -> float:
    return round(max(float(seconds) + offset, 0.0), 3)
