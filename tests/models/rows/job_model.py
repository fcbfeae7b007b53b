"""A plain model of a job, beside which the real ones are checked: what each event makes of it, and in which way."""

from dataclasses import dataclass

from models.errors import Expired
from models.rows.claims import Done
from models.rows.jobs import NewJob
from models.rows.states import FINAL

ENOUGH = {
    "succeeded": 30,
    "failed": 10,
    "expired": 10,
    "queued again": 10,
    "attempts used up": 5,
    "cancelled before a success": 10,
    "cancelled before a failure": 10,
    "cancelled before another attempt": 10,
    "ended after the lease was lost": 100,
    "given back": 5,
    "given back, cancelled before": 3,
    "lapsed, queued again": 15,
    "lapsed, attempts used up": 3,
    "lapsed, cancelled before": 3,
    "lapsed, expired": 2,
    "cancelled while it waited": 15,
    "expired while it waited": 3,
    "failed without a model": 5,
    "retried": 30,
    "not claimed while put off": 50,
    "not claimed past its deadline": 3,
}
"""The ways in which a job or an attempt may move or end, and how often a test of them must see each at least."""


@dataclass
class Job:
    """What the model knows of a job. ``lapsed``, ``put_off``, ``overdue``, ``aged``: what its clocks say."""

    spec: NewJob
    rank: int
    number: int
    timed: bool
    state: str = "queued"
    attempt: int = 0
    fence: int = 0
    owner: str | None = None
    lapsed: bool = False
    put_off: bool = False
    overdue: bool = False
    cancelling: bool = False
    aged: bool = False
    error: str | None = None
    result: int | None = None
    notified: int = 0

    @property
    def over(self) -> bool:
        """Nothing but a retry moves it any more."""
        return self.state in FINAL

    @property
    def waits(self) -> bool:
        """It is queued, whether it may be claimed now or not."""
        return self.state == "queued"

    @property
    def runs(self) -> bool:
        """An attempt is under way."""
        return self.state == "running"

    def claimed(self, worker: str) -> None:
        """An attempt begins."""
        self.state, self.owner = "running", worker
        self.attempt, self.fence = self.attempt + 1, self.fence + 1

    def end(self, state: str, error: str | None) -> None:
        """It is over."""
        self.state, self.error, self.owner, self.aged = state, error, None, False
        self.lapsed = self.put_off = False
        self.notified += self.spec.webhook is not None

    def again(self, error: str) -> None:
        """It waits for its next attempt, and for a while is not to be claimed."""
        self.state, self.error, self.owner, self.lapsed, self.put_off = "queued", error, None, False, True

    def finished(self, done: Done) -> str:
        """Its attempt ends like this; in which way."""
        if self.cancelling:
            self.end("cancelled", "cancelled")
            what = "a success" if done.error is None else "another attempt" if done.again else "a failure"
            return f"cancelled before {what}"
        if done.error is None:
            self.end("succeeded", None)
            self.result = done.fence
            return "succeeded"
        if done.again and self.attempt < self.spec.max_attempts:
            self.again(done.error.code)
            return "queued again"
        if done.again:
            self.end("failed", "attempts_exhausted")
            return "attempts used up"
        state = "expired" if isinstance(done.error, Expired) else "failed"
        self.end(state, done.error.code)
        return state

    def released(self) -> str:
        """Its worker gives it back; in which way."""
        if self.cancelling:
            self.end("cancelled", "cancelled")
            return "given back, cancelled before"
        self.state, self.owner, self.attempt, self.lapsed = "queued", None, self.attempt - 1, False
        return "given back"

    def swept(self) -> str | None:
        """A sweep finds it; in which way it moves, None where it stays as it is."""
        if self.waits and self.overdue:
            self.end("expired", "expired")
            return "expired while it waited"
        if not self.runs or not self.lapsed:
            return None
        if self.cancelling:
            self.end("cancelled", "cancelled")
            return "lapsed, cancelled before"
        if self.overdue:
            self.end("expired", "expired")
            return "lapsed, expired"
        if self.attempt >= self.spec.max_attempts:
            self.end("failed", "attempts_exhausted")
            return "lapsed, attempts used up"
        self.again("internal_error")
        return "lapsed, queued again"

    def retried(self, rank: int) -> None:
        """It is queued anew, as if it had never been tried."""
        self.state, self.attempt, self.error, self.rank = "queued", 0, None, rank
        self.overdue = self.timed = self.cancelling = self.aged = False
