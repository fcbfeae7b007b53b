"""Bytes, speed and time left, and how they are told."""

import threading

import pytest

from models.hubs import progress
from models.hubs.download import silent
from models.hubs.progress import ByteMeter, DownloadProgress, FileProgress, in_words, line


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_speed_is_that_of_the_last_seconds_and_of_what_came_now() -> None:
    clock = _Clock()
    meter = ByteMeter({"a": 1000, "b": 3000}, silent, clock)
    meter.has("a", 500)
    meter.has("a", 600)  # by an earlier run: no speed
    assert meter.now() == DownloadProgress(600, 4000, 0, None, [FileProgress("a", 600, 1000)])

    for clock.now in range(1, 21):
        meter.got("b", 10)
    for clock.now in range(21, 33):
        meter.got("b", 100)

    assert meter.now().files[1] == FileProgress("b", 1400, 3000, 100, 16)
    assert meter.now().bytes_per_s == 100
    assert meter.left == 4000 - 2000
    clock.now = 42
    assert meter.now().bytes_per_s < 100, "a download that stands is not fast"


def test_what_is_fetched_anew_counts_once() -> None:
    meter = ByteMeter({"a": 100}, silent, _Clock())
    meter.got("a", 60)
    meter.got("a", -60)
    meter.got("a", 100)

    assert meter.now().bytes == 100
    assert meter.now().files == [], "it is whole"


def test_it_is_told_while_nothing_comes_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.01)
    said: list[DownloadProgress] = []
    thrice = threading.Event()

    def tell(one: DownloadProgress) -> None:
        said.append(one)
        if len(said) == 3:
            thrice.set()

    meter = ByteMeter({"a": 1000}, tell)
    with meter.telling():
        assert thrice.wait(30)
        meter.got("a", 1000)

    assert said[0].bytes == 0
    assert said[-1].bytes == 1000
    many = len(said)
    assert not threading.Event().wait(0.05)
    assert len(said) == many, "the thread is gone"


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (16_060_000_000, "16 GB"), (5 * 10**15, "5000 TB")]
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert in_words(size) == text


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (DownloadProgress(0, 16_000_000_000), "0 B of 16 GB"),
        (DownloadProgress(10**9, 2 * 10**9, 5_000_000, 200), "1.0 GB of 2.0 GB, 5.0 MB/s, 3 min left"),
        (DownloadProgress(10**9, 2 * 10**9, 50_000_000, 20), "1.0 GB of 2.0 GB, 50 MB/s, 20 s left"),
        (DownloadProgress(0, 10**12, 10**8, 10_000), "0 B of 1.0 TB, 100 MB/s, 2 h 46 min left"),
    ],
)
def test_a_line_for_people(shown: DownloadProgress, text: str) -> None:
    assert line(shown) == text
