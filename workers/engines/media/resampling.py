"""Brings sound to another rate, piece by piece as it is made, with FFmpeg through PyAV."""

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from workers.engines.media.sound import Samples


class Resampler:
    """One sound. What ``feed`` and ``close`` return is it at the rate ``wanted``, without seams; rates are in Hz."""

    def __init__(self, rate: int, wanted: int) -> None:
        self._rate = rate
        self._library = AudioResampler("fltp", "mono", wanted) if rate != wanted else None

    def feed(self, samples: Samples) -> Samples:
        """Add sound. Returns what is ready, maybe nothing."""
        if self._library is None or not len(samples):
            return samples
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, :]), format="fltp", layout="mono")
        frame.sample_rate = self._rate
        return _joined(self._library.resample(frame))

    def close(self) -> Samples:
        """The last of it."""
        return _joined([] if self._library is None else self._library.resample(None))


def _joined(frames: list[AudioFrame]) -> Samples:
    made = [frame.to_ndarray()[0].astype(np.float32) for frame in frames]
    return np.concatenate(made) if made else np.zeros(0, np.float32)
