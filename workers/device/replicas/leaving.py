"""Replicas that end: those that finish what they do first, and those whose memory is not back yet."""

from collections.abc import Callable, Mapping

from models.process.processes import group_lives
from models.rows.records import ReplicaRow
from models.rows.states import ReplicaState
from workers.device.memory import DeviceMemory
from workers.device.runner_process import Phase, RunnerProcess

HEARD_S = 1.0
"""So long a replica is kept after gateways were told to send it nothing more: some requests are on their way."""

STUCK = "its runner is stuck in the driver and keeps its memory"
ALIVE = "processes of its runner do not end and keep its memory"
NOT_BACK = "the GPU still shows its memory as used"


class Leaving:
    """The replicas of one device that end. Used by the thread that reconciles.

    ``is_busy`` says whether a runner still has requests or jobs. ``longest_s``: longest that those are waited for.
    """

    def __init__(self, memory: DeviceMemory, is_busy: Callable[[RunnerProcess], bool], longest_s: float) -> None:
        self._memory = memory
        self._is_busy = is_busy
        self._longest_s = longest_s
        self._since: dict[str, float] = {}
        self._ended: dict[str, RunnerProcess] = {}

    def wanted(
        self, rows: Mapping[str, ReplicaRow], runners: Mapping[str, RunnerProcess], now: float
    ) -> dict[str, ReplicaState]:
        """The states that the rows ask for; a replica that is to go and still has work counts as ready."""
        found = {name: row.state for name, row in rows.items()}
        for name, row in rows.items():
            runner = runners.get(name)
            if row.state != ReplicaState.STOPPING or row.stage != "draining" or runner is None:
                continue
            if runner.phase is Phase.READY and self._finishes(name, runner, now):
                found[name] = ReplicaState.READY
        self._since = {name: at for name, at in self._since.items() if found.get(name) == ReplicaState.READY}
        self._ended = {name: one for name, one in self._ended.items() if name in rows}  # nobody asks for the others
        return found

    def _finishes(self, replica: str, runner: RunnerProcess, now: float) -> bool:
        """Whether a replica is kept, to finish what it does. From now on it gets nothing more."""
        since = self._since.setdefault(replica, now)
        runner.leaving = True
        return now - since < HEARD_S or (self._is_busy(runner) and now - since < self._longest_s)

    def ended(self, replica: str, runner: RunnerProcess) -> None:
        """A runner has ended: its memory is waited for."""
        self._ended[replica] = runner

    def kept(self, replica: str) -> str | None:
        """Why the memory of a replica is not free again; empty: it is; None: it is still waited for."""
        runner = self._ended.get(replica)
        if runner is None:
            return ""  # of an earlier worker, whose runners ended with it
        if not self._memory.is_back(runner.visible):
            return None
        del self._ended[replica]
        if runner.stuck:
            return STUCK
        if group_lives(runner.pid):
            return ALIVE
        return NOT_BACK if self._memory.of(runner.pid, runner.visible) else ""
