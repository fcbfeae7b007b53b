"""The steward's broom: attempts whose worker is lost, deadlines that passed, what is kept long enough, orphans.

Every sweep is idempotent, so two stewards that overlap do no harm.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import islice

import redis
from redis.exceptions import RedisError
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from models.errors import HeadraceError
from models.redis import job_states
from models.rows import batches, claims, instances, responses, uploads, webhooks
from models.rows.database import Database
from models.rows.life import events, measured
from models.rows.outbox import notify
from models.rows.records import JobRow
from models.settings import Settings
from models.storage.artifacts import Store
from workers.steward.batch_finaliser import forget_lines

log = logging.getLogger(__name__)

MODEL_GONE_MS = 600_000
"""How long a job waits for a model that is not launched any more, in case it is launched anew."""
YOUNG_S = 3600.0
"""An artifact younger than this may belong to a job that is only about to be submitted."""
TIDY_EVERY_S = 60.0


def move(connection: Connection) -> list[JobRow]:
    """Move the jobs that nobody else will; the rows moved. Wakes the models that jobs wait for."""
    moved = claims.sweep(connection) + claims.fail_orphans(connection, MODEL_GONE_MS)
    notify(connection, moved)
    instances.awaken_wanted(connection)
    return moved


def publish_moved(client: redis.Redis, moved: Iterable[JobRow]) -> None:
    """Tell those who watch."""
    pipeline = client.pipeline(transaction=False)
    for row in moved:
        job_states.publish_moved(pipeline, row)
    pipeline.execute()


class Tidying:
    """What takes longer and is not urgent, in a thread of its own: retention and orphans."""

    def __init__(self, settings: Settings, database: Database, store: Store, *, every_s: float = TIDY_EVERY_S) -> None:
        self._settings = settings
        self._database = database
        self._store = store
        self._every_s = every_s

    def run(self, over: threading.Event, leads: threading.Event) -> None:
        """Tidy until ``over``, while ``leads`` is set."""
        while not over.wait(self._every_s):
            if leads.is_set():
                try:
                    self.tidy()
                except (SQLAlchemyError, RedisError, HeadraceError) as error:
                    log.warning("cannot tidy, trying again: %s", error)

    def tidy(self, young_s: float = YOUNG_S) -> None:
        """Once."""
        self._forget()
        self._sweep(young_s)

    def _forget(self) -> None:
        """Events, jobs, responses, batches, files and deliveries that are kept long enough, and their artifacts.

        What needs no store comes first: that may be away.
        """
        self._database.call(events.purge)
        self._database.call(measured.purge)
        kept_ms = int(self._settings.job_retention_s * 1000)
        while ids := self._database.call(claims.purge, kept_ms):
            for job in ids:
                self._store.delete_prefix(f"jobs/{job}/")
        self._database.call(webhooks.purge, kept_ms)
        while self._database.call(responses.purge):
            pass
        while ids := self._database.call(uploads.purge):
            self._store.delete([uploads.artifact(file) for file in ids])
        for row in self._database.call(batches.with_lines):
            forget_lines(self._database, self._store, row)
        self._database.call(batches.purge, int(self._settings.file_retention_s * 1000))

    def _sweep(self, young_s: float) -> None:
        """Artifacts that no row speaks for: of attempts that lost, of jobs and files that never came to be."""
        for found in self._old("jobs/", young_s):
            owners = {key: _owner(key) for key in found}
            fences = self._database.call(claims.fences, sorted({job for job, _ in owners.values()}))
            self._drop([key for key, (job, fence) in owners.items() if not _belongs(fences.get(job), fence)])
        for found in self._old(uploads.PREFIX, young_s):
            files = {key: key.removeprefix(uploads.PREFIX) for key in found}
            known = self._database.call(uploads.known, list(files.values()))
            self._drop([key for key, file in files.items() if file not in known])

    def _old(self, prefix: str, young_s: float) -> Iterator[list[str]]:
        """The keys that are old enough, some hundreds at a time."""
        oldest = time.time() - young_s
        old = (one.key for one in self._store.listing(prefix) if one.modified < oldest)
        while chunk := list(islice(old, 500)):
            yield chunk

    def _drop(self, lost: list[str]) -> None:
        if lost:
            log.info("sweeping %d orphaned artifacts", len(lost))
            self._store.delete(lost)


def _owner(key: str) -> tuple[str, int | None]:
    """The job, and the fence that an artifact was made under; None for the request's own files."""
    _, job, part, *_ = [*key.split("/"), "", ""]
    return job, int(part) if part.isdigit() else None


def _belongs(present: int | None, fence: int | None) -> bool:
    """Whether an artifact made under this fence is one of a job whose fence is now ``present``; None: it is gone."""
    return present is not None and fence in (None, present)
