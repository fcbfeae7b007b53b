"""From a stream of sound to the clips that Whisper gets: no longer than its window, and cut where nobody speaks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps

from workers.engines.media.recording import RATE, Sound, quietest

WINDOW_S = 30
_BUFFER = 60 * RATE
_GAP = 3 * RATE
_BLOCK = 120 * RATE
_LATEST_CUT = 20 * RATE
_NOTHING = 1e-4


@dataclass(frozen=True, slots=True)
class Clip:
    """Sound to be transcribed, and where it begins in the recording, in seconds."""

    start_s: float
    sound: Sound = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClipGroup:
    """The next clips of a recording, all that begin before ``until_s``; none where there was only silence."""

    clips: list[Clip]
    until_s: float


def gather(parts: Iterator[Sound], samples: int) -> tuple[Sound, bool]:
    """The next ``samples`` samples, or a few more, and whether the sound goes on after them."""
    gathered: list[Sound] = []
    count = 0
    for part in parts:
        gathered.append(part)
        count += len(part)
        if count >= samples:
            return np.concatenate(gathered), True
    return np.concatenate(gathered) if gathered else np.zeros(0, np.float32), False


def speaks(sound: Sound) -> bool:
    """Whether there is any speech in it; True in case of doubt."""
    return bool(_speech(sound, VadOptions(threshold=0.35)))


def spoken(parts: Iterator[Sound], vad: VadOptions) -> Iterator[ClipGroup]:
    """The clips with speech. At most a minute and a half of sound is in memory, however long the recording is."""
    sound, offset, more = np.zeros(0, np.float32), 0, True
    while more:
        fresh, more = gather(parts, _BUFFER)
        sound = np.concatenate((sound, fresh))
        ranges = merge(_speech(sound, vad))
        done = len(sound)
        if more:
            # The last second may have a word's beginning, and the last range may be cut by the buffer's end: both wait.
            done -= RATE
            if ranges and ranges[-1][1] > len(sound) - _GAP:
                done = min(done, ranges.pop()[0])
        clips = [Clip((offset + start) / RATE, sound[start:end].copy()) for start, end in ranges]
        done = max([done, *(end for _, end in ranges)])
        yield ClipGroup(clips, (offset + done) / RATE)
        sound, offset = sound[done:], offset + done


def whole(parts: Iterator[Sound]) -> Iterator[ClipGroup]:
    """All sound, including silence, in clips of two minutes or less, cut where it is quietest."""
    sound, offset, more = np.zeros(0, np.float32), 0, True
    while more:
        fresh, more = gather(parts, _BLOCK - len(sound))
        sound = np.concatenate((sound, fresh))
        end = quietest(sound, len(sound) - _LATEST_CUT) if more else len(sound)
        if end:
            yield ClipGroup([Clip(offset / RATE, sound[:end].copy())], (offset + end) / RATE)
        sound, offset = sound[end:], offset + end


def _speech(sound: Sound, vad: VadOptions) -> list[tuple[int, int]]:
    if not len(sound) or np.abs(sound).max() < _NOTHING:  # saves ten seconds of computation for an hour of silence
        return []
    return [(speech["start"], speech["end"]) for speech in get_speech_timestamps(sound, vad)]


def merge(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join neighbouring ranges (in samples), as far as they fit a window and there is no long gap between them.

    A window that is full ends at the widest gap of its second half, where a sentence is likeliest to end.
    """
    merged: list[tuple[int, int]] = []
    group: list[tuple[int, int]] = []
    for start, end in ranges:
        while group and end - group[0][0] > WINDOW_S * RATE:
            cut = _cut(group, start)
            merged.append((group[0][0], group[cut - 1][1]))
            group = group[cut:]
        if group and start - group[-1][1] >= _GAP:
            merged.append((group[0][0], group[-1][1]))
            group = []
        group.append((start, end))
    if group:
        merged.append((group[0][0], group[-1][1]))
    return [(start, min(end, start + WINDOW_S * RATE)) for start, end in merged]


def _cut(group: list[tuple[int, int]], next_start: int) -> int:
    """How many ranges of the group to keep together. The range after the group begins at ``next_start``."""
    starts = [*(start for start, _ in group[1:]), next_start]
    gaps = [start - end for (_, end), start in zip(group, starts, strict=True)]
    late = [place for place, (_, end) in enumerate(group) if end - group[0][0] >= WINDOW_S * RATE // 2]
    return 1 + max(late or range(len(group)), key=lambda place: (gaps[place], place))
