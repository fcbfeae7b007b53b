"""What a worker says of each of its runners in its snapshots."""

import time
from collections.abc import Callable, Iterable

from models.redis import presence
from models.rows.states import ReplicaState
from workers.device.runner_process import Phase, RunnerProcess

WAITING = 192
"""Requests that may wait at one replica beyond those in flight, unless its launch says otherwise."""


class Presences:
    """Makes the reports, and remembers when each runner was last busy."""

    def __init__(self, memory_bytes: Callable[[RunnerProcess], int], is_busy: Callable[[RunnerProcess], bool]) -> None:
        """``memory_bytes``: what a runner holds of the device. ``is_busy``: whether it has requests or jobs."""
        self._memory_bytes = memory_bytes
        self._is_busy = is_busy
        self._busy_at: dict[str, float] = {}
        self._queued_at: dict[str, float] = {}

    def of(self, runners: Iterable[RunnerProcess]) -> list[presence.Replica]:
        """All of these."""
        now, runners = time.monotonic(), list(runners)
        self._busy_at = {one.epoch: self._last_busy(one, now) for one in runners}
        queue = [one.epoch for one in runners if _has_queue(one)]
        self._queued_at = {epoch: self._queued_at.get(epoch, now) for epoch in queue}
        return [self._one(one, now) for one in runners]

    def _last_busy(self, runner: RunnerProcess, now: float) -> float:
        """When it last did something, but for its load (monotonic seconds). What is short is seen at its begin."""
        if self._is_busy(runner):
            return now
        known = self._busy_at.get(runner.epoch, float("-inf"))
        return max(known, runner.asked_at, runner.job_at, runner.ready_at or now)

    def _one(self, runner: RunnerProcess, now: float) -> presence.Replica:
        ready = runner.ready
        state = ReplicaState.READY if runner.phase is Phase.READY else ReplicaState.LOADING
        if runner.phase in (Phase.STOPPING, Phase.GONE):
            state = ReplicaState.STOPPING
        inflight = ready.max_inflight if ready else 0
        limit = runner.limit
        return presence.Replica(
            id=runner.load.replica,
            uid=runner.load.uid,
            epoch=runner.epoch,
            state=state,
            modalities=ready.modalities if ready else [],
            max_inflight=min(inflight, limit) if limit else inflight,
            max_waiting=max(limit - inflight, 0) if limit else WAITING,
            context_length=ready.context_length if ready else 0,
            inflight=runner.inflight,
            outstanding_tokens=runner.stats.outstanding_tokens,
            memory_bytes=self._memory_bytes(runner),
            mapped_bytes=runner.stats.mapped_bytes,
            host_bytes=runner.stats.memory_bytes,
            pid=runner.pid,
            idle_s=now - self._busy_at[runner.epoch],
            resident_s=now - runner.ready_at if runner.ready_at is not None else 0.0,
            loading_s=now - runner.clock.since if runner.ready_at is None else 0.0,
            queued_s=now - self._queued_at.get(runner.epoch, now),
            leaving=runner.leaving,
            counters=runner.stats.counters,
            download=runner.download,
        )


def _has_queue(runner: RunnerProcess) -> bool:
    """Whether it has more requests than it computes at once, or as many as the launch lets it have."""
    if runner.ready is None:
        return False
    return runner.inflight > runner.ready.max_inflight or 0 < (runner.limit or 0) <= runner.inflight
