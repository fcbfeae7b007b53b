"""Whether a load takes too long: what fetches must go on, what loads must end, and a wait for a turn counts nothing."""

from enum import Enum, auto


class LoadPart(Enum):
    """The part of a load that goes on."""

    FETCHING = auto()
    WAITING = auto()
    LOADING = auto()


class LoadClock:
    """The parts of one load. All times are monotonic seconds.

    ``since`` is when the weights were here and their load began; before that, when the runner was started.
    """

    def __init__(self, now: float) -> None:
        """The runner was started."""
        self._part = LoadPart.FETCHING
        self._since = self.since = now
        self._fraction = 0.0

    def went_on(self, fraction: float, now: float) -> None:
        """The runner has said how far it is."""
        if self._part is LoadPart.FETCHING and fraction != self._fraction:
            self._fraction, self._since = fraction, now

    def waits(self) -> None:
        """The weights are here, and the runner waits for its turn."""
        self._part = LoadPart.WAITING

    def begins(self, now: float) -> None:
        """The weights are being loaded from now on."""
        self._part, self._since, self.since = LoadPart.LOADING, now, now

    def overdue(self, limit_s: float, now: float) -> str:
        """Why the load is to be given up; empty as long as it is not."""
        if now - self._since <= limit_s or self._part is LoadPart.WAITING:
            return ""
        limit = f"HEADRACE_LOAD_TIMEOUT_S ({limit_s:g} s)"
        if self._part is LoadPart.LOADING:
            return f"the load took longer than {limit}"
        return f"starting the runner and fetching the weights did not go on for {limit}"
