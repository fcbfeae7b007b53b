"""Subtitles: SubRip and WebVTT (https://www.w3.org/TR/webvtt1/) from segments with ``start``, ``end`` and ``text``."""

from collections.abc import Iterable, Mapping
from typing import Any

Segments = Iterable[Mapping[str, Any]]


def srt(segments: Segments) -> str:
    """A SubRip file."""
    cues = [
        f"{number}\n{_time(one['start'], ',')} --> {_time(one['end'], ',')}\n{_line(one['text'])}\n"
        for number, one in enumerate(segments, 1)
    ]
    return "\n".join(cues)


def vtt(segments: Segments) -> str:
    """A WebVTT file."""
    cues = [
        f"{_time(one['start'], '.')} --> {_time(one['end'], '.')}\n{_escaped(_line(one['text']))}\n" for one in segments
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _time(seconds: float, point: str) -> str:
    """``01:02:03,456``."""
    thousandths = round(max(seconds, 0.0) * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"


def _line(text: str) -> str:
    """The text on one line, without ``-->``, which would be read as part of a cue's times."""
    return " ".join(text.split()).replace("-->", "->")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
