"""Segments, as OpenAI has them: what Whisper found in a clip, with times in the recording, and cut into sentences."""

from collections.abc import Callable, Iterator
from typing import Any

FRAMES = 100
"""Whisper's frames in a second."""

Segment = dict[str, Any]
"""A segment as OpenAI has it. It has a list of ``words`` where their times were found."""

_ENDS = (".", "?", "!", "…", "。", "？", "！", "।", "؟")  # noqa: RUF001  # marks of other scripts
_PAUSE_S = 1.0
_LONGEST = 120


def segment_of(part: Any, start_s: float, place_s: float = 0.0) -> Segment:
    """The segment for a segment of faster-whisper, with times in the recording.

    Its clip begins at ``start_s`` in the recording, and at ``place_s`` in the sound that faster-whisper was given.
    """
    offset = start_s - place_s
    segment: Segment = {
        "seek": max(round(part.seek + offset * FRAMES), 0),
        "start": _moved(part.start, offset),
        "end": _moved(part.end, offset),
        "text": part.text.rstrip(),
        "tokens": [int(token) for token in part.tokens],
        "temperature": float(part.temperature or 0.0),
        "avg_logprob": float(part.avg_logprob),
        "compression_ratio": float(part.compression_ratio),
        "no_speech_prob": float(part.no_speech_prob),
    }
    if part.words is not None:
        segment["words"] = [
            {"word": word.word, "start": _moved(word.start, offset), "end": _moved(word.end, offset)}
            for word in part.words
        ]
    return segment


def sentences(segment: Segment, tokens: Callable[[str], list[int]]) -> Iterator[Segment]:
    """Cut a segment where sentences end, where there is a pause, and where it gets too long to be read at once.

    Where it has no words, or they do not make up its text, it is left whole. ``tokens`` encodes a text.
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
            text = "".join(word["word"] for word in some).rstrip()
            times = {"start": some[0]["start"], "end": max(some[-1]["end"], some[0]["start"])}
            yield segment | times | {"text": text, "tokens": tokens(text), "words": some}
            begin, length = place + 1, 0


def _ends(word: dict[str, Any], after: dict[str, Any]) -> bool:
    if after["start"] - word["end"] >= _PAUSE_S:
        return True
    text = word["word"].strip().rstrip("\"'”’)]»")  # noqa: RUF001  # quotation marks
    return text.endswith(_ENDS) and not _title(text)


def _title(text: str) -> bool:
    """Whether the text is a short abbreviation with a capital letter ("Dr.", "J.", "St."), which ends no sentence."""
    return text.endswith(".") and text[:1].isupper() and text[:-1].isalpha() and len(text) <= 3


def _moved(seconds: float, offset: float) -> float:
    return round(max(float(seconds) + offset, 0.0), 3)
