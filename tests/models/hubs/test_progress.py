"""Bytes, speed and time left, and how they are told."""

import pytest

from models.hubs.progress import ByteMeter, DownloadProgress, FileProgress, in_words, line


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_speed_is_that_of_the_last_seconds_and_of_what_came_now() -> None:
    clock, said = _Clock(), list[DownloadProgress]()
    meter = ByteMeter({"a": 1000, "b": 3000}, said.append, clock)
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
    said: list[DownloadProgress] = []
    meter = ByteMeter({"a": 100}, said.append, _Clock())
    meter.got("a", 60)
    meter.got("a", -60)
    meter.got("a", 100)

    assert said[-1].bytes == 100
    assert said[-1].files == [], "it is whole"


def test_reports_come_at_times_and_at_the_end() -> None:
    clock, said = _Clock(), list[DownloadProgress]()
    meter = ByteMeter({"a": 1000}, said.append, clock)
    for clock.now in (0, 0.1, 0.2, 0.6, 0.7):
        meter.got("a", 10)
    meter.got("a", 950)

    assert [one.bytes for one in said] == [10, 40, 1000]


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (16_060_000_000, "16 GB"), (5 * 10**15, "5000 TB")]
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert in_words(size) == text


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (DownloadProgress(0, 16_000_000_000), "0 B of 16 GB"),
        (DownloadProgress(10**9, 2 * 10**9, 5_000_000, 200), "1.0 GB of 2.0 GB, 5.0 MB/s, 3 min left"),
        (DownloadProgress(10**9, 2 * 10**9, 50_000_000, 20), "1.0 GB of 2.0 GB, 50 MB/s, 20 s left"),
        (DownloadProgress(0, 10**12, 10**8, 10_000), "0 B of 1.0 TB, 100 MB/s, 2 h 46 min left"),
    ],
)
def test_a_line_for_people(progress: DownloadProgress, text: str) -> None:
    assert line(progress) == text
