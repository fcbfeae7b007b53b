"""Cuts a recording into clips, at quiet places."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from workers.engines.media.recording import RATE, Sound, quietest

_FRAME = RATE // 20
_LOOKED_AT = 0.2
"""The part of a clip, at its end, in which the quietest place is looked for."""
_SILENT = 1e-3


class Passage(NamedTuple):
    """A part of a recording. ``start_s`` is where it begins, in seconds."""

    start_s: float
    sound: Sound

    @property
    def end_s(self) -> float:
        """Where it ends, in seconds."""
        return self.start_s + len(self.sound) / RATE

    @property
    def silent(self) -> bool:
        """Whether there is nothing to be heard, of which a model would make words of its own."""
        return float(np.abs(self.sound).max(initial=0.0)) < _SILENT


def clips(parts: Iterator[Sound], most_s: float) -> Iterator[Passage]:
    """The clips of a recording that comes in parts; each lasts ``most_s`` seconds at most."""
    most = int(most_s * RATE)
    latest = max(int(most * _LOOKED_AT) // _FRAME, 1) * _FRAME
    waiting, start = np.zeros(0, np.float32), 0.0
    for part in parts:
        waiting = np.concatenate([waiting, part])
        while len(waiting) > most:
            at = quietest(waiting[:most], most - latest, last=True)
            yield Passage(start, waiting[:at])
            start, waiting = start + at / RATE, waiting[at:]
    if len(waiting):
        yield Passage(start, waiting)
