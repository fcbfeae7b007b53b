"""Sound at another rate, piece by piece."""

import numpy as np
import pytest

from workers.engines.media.resampling import Resampler


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 44_100])
def test_pieces_make_one_sound(rate: int) -> None:
    tone = np.sin(np.arange(rate) * 2 * np.pi * 440 / rate).astype(np.float32)
    resampler = Resampler(rate, 24_000)
    made = [resampler.feed(part) for part in np.array_split(tone, 7)]
    sound = np.concatenate([*made, resampler.feed(tone[:0]), resampler.close()])

    assert abs(len(sound) - 24_000) < 10
    want = np.sin(np.arange(len(sound)) * 2 * np.pi * 440 / 24_000)
    assert np.abs(sound - want)[200:-200].max() < 0.02, "no seam between the pieces"


def test_nothing_stays_nothing() -> None:
    assert len(Resampler(16_000, 24_000).close()) == 0
