"""Keeps what runners write to stderr where gateways can read it, and reads out of it why one ended."""

import logging
import re
import signal
import textwrap
import threading
import time
from collections import deque
from collections.abc import Iterable

import redis
from redis.exceptions import RedisError

from models.redis import logs
from models.redis.logs import Line

log = logging.getLogger(__name__)

GATHER_S = 0.2
"""For so long lines are gathered: a load may write hundreds at once."""
MOST_WAITING = 4000
"""Lines kept while Redis is away. Beyond it the oldest are dropped: they are in the worker's own stderr, too."""

CRASHES = frozenset({signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE})
_REASON = re.compile(r"error|assert|abort|out of memory", re.IGNORECASE)


class RunnerLogs:
    """Queues lines from any thread, and sends them in order from the one that runs ``run``."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._waiting: deque[tuple[str, Line]] = deque(maxlen=MOST_WAITING)
        self._news = threading.Event()

    def take(self, uid: str, replica: str, text: str) -> None:
        """Queue a line of a model's replica."""
        self._waiting.append((uid, Line(replica, time.time_ns() // 1_000_000, text.rstrip("\r\n"))))
        self._news.set()

    def run(self) -> None:
        """Send for ever."""
        while True:
            self._news.wait()
            time.sleep(GATHER_S)
            self._news.clear()
            self.send()

    def send(self) -> None:
        """Send what is queued. What Redis does not take is tried again with the next line."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        pipeline = self._client.pipeline(transaction=False)
        for uid, line in batch:
            logs.append(pipeline, uid, line)
        try:
            pipeline.execute()
        except RedisError as error:
            log.warning("cannot keep the lines of runners: %s", error)
            self._waiting.extendleft(reversed(batch))


def killer_of(code: int) -> signal.Signals | None:
    """The signal that ended a process of this exit code; None where none did. Pure, as are those below."""
    return signal.Signals(-code) if code < 0 else None


def end_in_words(code: int, lines: Iterable[str]) -> str:
    """Why a runner ended, by its exit code, and where it crashed or gave up by the last lines that it wrote."""
    killer = killer_of(code)
    ended = f"the runner was killed by {killer.name}" if killer else f"the runner ended with code {code}"
    why = last_words(lines) if killer is None or killer in CRASHES else ""
    return f"{ended}: {why}" if why else ended


def last_words(lines: Iterable[str]) -> str:
    """What of a crashed process's last lines says why: the last two that name an error; empty where none does."""
    reasons = [line.strip() for line in lines if _REASON.search(line)]
    return textwrap.shorten(" ".join(reasons[-2:]), 500, placeholder=" …")
