"""What a worker records of its replicas: starts, loads, deaths, failures, ends. Each call is one transaction."""

import logging
from typing import Any

from sqlalchemy.engine import Connection

from models.errors import HeadraceError, ModelNotReady
from models.rows import instances
from models.rows.database import Database
from models.rows.life import retries
from models.rows.records import ReplicaRow
from models.rows.states import ReplicaState
from workers.device.replicas.elsewhere import move_on
from workers.device.replicas.peaks import Peaks
from workers.device.runner_process import RunnerProcess

log = logging.getLogger(__name__)


class Reports:
    """Writes the rows of one device's replicas. Raises DatabaseUnavailable."""

    def __init__(self, database: Database, device: str) -> None:
        self._database = database
        self._device = device
        self._peaks = Peaks(device)

    def started(self, row: ReplicaRow, pid: int) -> None:
        """A runner was started for a replica. Why an earlier one died stays to be seen until this one is ready."""
        said = None if isinstance(HeadraceError.from_row(row.error), ModelNotReady) else row.error
        begun = {"state": ReplicaState.LOADING, "stage": "starting", "progress": 0.0, "leaving": None}
        self._report(row.id, **begun, pid=pid, memory_bytes=None, error=said)

    def postponed(self, row: ReplicaRow, why: ModelNotReady) -> None:
        """A replica cannot be started yet; recorded where that is news. It is tried again at the next look."""
        if why.to_row() != row.error:
            log.info("replica %s waits: %s", row.id, why.message)
            self._report(row.id, stage="waiting", progress=0.0, error=why.to_row())

    def loading(self, replica: str, runner: RunnerProcess) -> None:
        """How far a load is."""
        self._report(replica, stage=runner.stage, progress=runner.progress)

    def ready(self, replica: str, runner: RunnerProcess, memory_bytes: int | None) -> None:
        """A replica takes requests. What is known of the model comes first: who waits for this is then told all."""
        assert runner.ready is not None
        if about := runner.ready.about:
            self._database.call(instances.describe, runner.load.uid, about)
        values: dict[str, Any] = {"context_length": runner.ready.context_length, "memory_bytes": memory_bytes}
        values |= {"failures": 0, "next_try_at": None, "log": None, "tried": None}
        values |= {"state": ReplicaState.READY, "stage": "ready", "progress": 1.0, "error": None}
        count = max(1, len(runner.visible))
        if memory_bytes:  # what was reserved was an estimate
            values["reserved_bytes"] = memory_bytes // count

        def write(connection: Connection) -> None:
            if instances.report(connection, replica, self._device, **values) and memory_bytes:
                self._peaks.remember(connection, replica, runner.load.uid, count, memory_bytes)

        self._database.call(write)

    def takes(self, replica: str, runner: RunnerProcess, memory_bytes: int) -> None:
        """What a ready replica takes now; remembered where it has grown, as it does with use."""
        if self._peaks.has_grown(replica, memory_bytes):
            count = max(1, len(runner.visible))
            self._database.call(self._peaks.remember, replica, runner.load.uid, count, memory_bytes)

    def ended(self, replica: str) -> None:
        """The runner of a replica is no more."""
        self._peaks.forget(replica)

    def died(self, replica: str, error: HeadraceError, *, served: bool = True) -> None:
        """A runner has died, and its replica is loaded again. ``served``: it was ready."""
        log.error("replica %s: %s; loading again", replica, error.message)
        self._database.call(lambda connection: instances.died(connection, replica, self._device, error, served=served))

    def failed(self, replica: str, runner: RunnerProcess) -> None:
        """The load of a replica is given up, for now or for good."""
        error = runner.exit_reason
        if self._database.call(move_on, replica, self._device, error):
            log.error("replica %s: %s; another device is tried", replica, error.message)
            return
        follows = self._database.call(retries.give_up, replica, self._device, error, list(runner.last_lines))
        log.error("replica %s: %s; %s", replica, error.message, follows or "not wanted any more")

    def gone(self, replica: str, kept: str) -> None:
        """The runner of a replica that was to end has ended. ``kept``: why its memory is not free; empty: it is."""
        if kept:
            log.warning("replica %s: %s", replica, kept)
        self._database.call(lambda connection: instances.forget(connection, replica, self._device, kept=kept))

    def _report(self, replica: str, **values: Any) -> None:
        self._database.call(lambda connection: instances.report(connection, replica, self._device, **values))
