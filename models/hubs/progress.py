"""How far a download is: bytes, speed and time left, of each file and of all. Sizes are in bytes."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import msgspec

WINDOW_S = 10.0
"""Speed is that of so many seconds."""
EVERY_S = 0.5
"""How often a download is told of."""
MOST_FILES = 8
"""Files told of by name: those that are being fetched."""


class FileProgress(msgspec.Struct, frozen=True):
    """How far one file is. ``eta_s`` is null while no speed is known."""

    name: str
    bytes: int
    total_bytes: int
    bytes_per_s: int = 0
    eta_s: int | None = None


class DownloadProgress(msgspec.Struct, frozen=True):
    """How far a download is, and those of its files that have begun and are not whole yet."""

    bytes: int
    total_bytes: int
    bytes_per_s: int = 0
    eta_s: int | None = None
    files: list[FileProgress] = []

    @property
    def fraction(self) -> float:
        """How much is here, from 0 to 1."""
        return min(1.0, self.bytes / max(self.total_bytes, 1))


Tell = Callable[[DownloadProgress], None]
"""Takes a report of a download. It may be called from any thread."""


class _Count:
    """The bytes of one thing: how many are here, and when they came."""

    def __init__(self, total: int) -> None:
        self.total, self.here, self.came = total, 0, 0
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, size: int, now: float) -> None:
        """Count bytes that came over the network."""
        if not self._samples:
            self._samples.append((now, self.came))
        self.here += size
        self.came += size
        self._samples.append((now, self.came))
        while len(self._samples) > 2 and now - self._samples[1][0] > WINDOW_S:
            self._samples.popleft()

    def speed(self, now: float) -> int:
        """Bytes a second, of the last seconds."""
        if not self._samples:
            return 0
        since, before = self._samples[0]
        return max(0, round((self.came - before) / max(now - since, EVERY_S)))


class ByteMeter:
    """Counts the bytes of all files of a download, and tells of them. Safe from any thread."""

    def __init__(self, sizes: Mapping[str, int], tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._files = {name: _Count(size) for name, size in sizes.items()}
        self._all = _Count(sum(sizes.values()))
        self._tell, self._clock = tell, clock
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """The bytes that are still to come."""
        return max(0, self._all.total - self._all.here)

    def has(self, name: str, size: int) -> None:
        """Say how much of a file is here, however it came."""
        with self._lock:
            self._all.here += size - self._files[name].here
            self._files[name].here = size

    def got(self, name: str, size: int) -> None:
        """Count bytes that came over the network; fewer than 0: so many are fetched anew."""
        with self._lock:
            now = self._clock()
            for count in (self._files[name], self._all):
                count.add(size, now)

    def now(self) -> DownloadProgress:
        """What is to be told at this moment."""
        with self._lock:
            now = self._clock()
            begun = [(name, one) for name, one in self._files.items() if 0 < one.here < one.total]
            files = [FileProgress(name, *_numbers(one, now)) for name, one in begun[:MOST_FILES]]
            return DownloadProgress(*_numbers(self._all, now), files)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell of the download while the block runs, at its beginning and at its end, also while nothing comes."""
        over = threading.Event()

        def tell() -> None:
            while not over.wait(EVERY_S):
                self._tell(self.now())

        self._tell(self.now())
        thread = threading.Thread(target=tell, name="telling", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._tell(self.now())


def _numbers(count: _Count, now: float) -> tuple[int, int, int, int | None]:
    speed = count.speed(now)
    return count.here, count.total, speed, round(max(0, count.total - count.here) / speed) if speed else None


def in_words(size: int) -> str:
    """A size for people: ``1.5 GB``, ``12 MB``."""
    number, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            break
        number /= 1000
    return f"{number:.1f} {unit}" if number < 10 and unit != "B" else f"{number:.0f} {unit}"


def line(progress: DownloadProgress) -> str:
    """A download in a line for people: ``1.5 GB of 16 GB, 85 MB/s, 3 min left``."""
    text = f"{in_words(progress.bytes)} of {in_words(progress.total_bytes)}"
    if progress.bytes_per_s:
        text += f", {in_words(progress.bytes_per_s)}/s"
    if progress.eta_s:
        minutes = progress.eta_s // 60
        text += f", {minutes // 60} h {minutes % 60} min left" if minutes >= 60 else ""
        text += f", {minutes} min left" if 0 < minutes < 60 else f", {progress.eta_s} s left" if not minutes else ""
    return text
