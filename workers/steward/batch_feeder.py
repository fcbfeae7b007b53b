"""The steward's feeder: it has batches' lines done as jobs, a few hundred at a time, so that no queue grows long.

Everything it knows is in rows: whoever leads goes on where another was killed. Inputs are checked and outputs written
aside (``workers.steward.batch_finaliser``), so that a long one keeps no other batch waiting.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import redis
from redis.exceptions import RedisError
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from models.errors import DatabaseUnavailable, HeadraceError, NotFound, StorageUnavailable
from models.launching.about import serves
from models.redis import presence
from models.rows import batches, instances, uploads
from models.rows.batches import Refused
from models.rows.database import Database
from models.rows.jobs import BATCH_PRIORITY, NewJob, new_id
from models.rows.records import OpenBatch
from models.rows.states import BatchState
from models.settings import Settings
from models.storage import scratch
from models.storage.artifacts import Store
from workers.steward import batch_lines
from workers.steward.batch_finaliser import Finaliser

log = logging.getLogger(__name__)

UNFINISHED = 500
"""Lines of one batch that may wait or run at a time; of all batches together, some four times that."""
FEWEST = 50
CHUNK_LINES = 250
CHUNK_BYTES = 8 << 20
BUSY_S = 0.2
IDLE_S = 1.0
PAUSE_S = 2.0
"""After a step that failed, before it is tried again."""


@dataclass(slots=True)
class LineRange:
    """Lines on their way into the database: those from ``begin`` to before ``end``, in bytes of the input."""

    begin: int
    end: int
    new: list[NewJob] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.new) + len(self.refused)


class BatchFeeder:
    """Feeds all open batches. One step is one transaction; between any two it may be killed."""

    def __init__(self, settings: Settings, database: Database, store: Store, client: redis.Redis) -> None:
        self._settings = settings
        self._database = database
        self._store = store
        self._client = client
        self._over = threading.Event()
        self._inputs = Inputs(store)
        self._finaliser = Finaliser(settings, database, store, self._inputs.path, self._over)
        self._aside = ThreadPoolExecutor(2, thread_name_prefix="batches")
        self._busy: dict[str, Future[None]] = {}
        self._rest: dict[str, float] = {}

    def run(self, over: threading.Event, leads: threading.Event, wake: threading.Event) -> None:
        """Feed until ``over``, while ``leads`` is set."""
        while not over.is_set():
            found = False
            if leads.is_set():
                try:
                    found = self.turn()
                except (SQLAlchemyError, HeadraceError, OSError) as error:
                    log.warning("cannot feed batches, trying again: %s", error)
            wake.wait(BUSY_S if found else IDLE_S)
            wake.clear()
        self.close()

    def close(self) -> None:
        """End what is under way aside; it begins anew another time."""
        self._over.set()
        self._aside.shutdown(cancel_futures=True)
        self._inputs.close()

    def turn(self) -> bool:
        """Take every open batch a step on; whether there is any."""
        found = self._database.call(batches.open_batches)
        self._busy = {batch: task for batch, task in self._busy.items() if not task.done()}
        for batch, until in list(self._rest.items()):  # what runs aside writes to it, too
            if until <= time.monotonic():
                del self._rest[batch]
        self._inputs.keep({row.input_file_id for row in found})
        running = sum(row.state == BatchState.IN_PROGRESS for row in found)
        window = max(FEWEST, min(UNFINISHED, 4 * UNFINISHED // max(running, 1)))
        for row in found:
            if row.id in self._busy or row.id in self._rest:
                continue
            if row.state == BatchState.IN_PROGRESS:
                self._safely(self._advance, row, window)
            elif row.state == BatchState.VALIDATING:
                self._busy[row.id] = self._aside.submit(self._safely, self.validate, row)
            elif not row.unfinished:
                self._busy[row.id] = self._aside.submit(self._safely, self._finaliser.finish, row)
        return bool(found)

    def settle(self) -> None:
        """Wait for what is under way aside."""
        for task in self._busy.values():
            task.result()

    def _safely(self, step: Callable[..., Any], row: OpenBatch, *args: Any) -> None:
        try:
            step(row, *args)
        except (SQLAlchemyError, RedisError, HeadraceError, OSError) as error:
            log.warning("batch %s: trying again: %s", row.id, error)
        except Exception:  # one batch's trouble is not the others'
            log.exception("batch %s: trying again", row.id)
        else:
            return
        self._rest[row.id] = time.monotonic() + PAUSE_S

    # ---- steps ---------------------------------------------------------------------------------------------

    def validate(self, row: OpenBatch) -> None:
        """Look through the input; the batch runs, or has failed."""
        try:
            path = self._inputs.path(row.input_file_id)
        except NotFound:
            self._lost(row)
            return
        total, errors = batch_lines.check(
            (line for line, _ in batch_lines.read(path)), path.stat().st_size, row.endpoint
        )
        if errors:
            self._fail(row, errors)
        else:
            self._database.call(batches.start, row.id, total)

    def _advance(self, row: OpenBatch, window: int) -> None:
        """Insert the next lines where few are left, or begin to finalise."""
        fed = row.lines >= row.total or row.expires_at <= row.now
        if fed and not row.unfinished:
            self._database.call(batches.finalize, row.id)
        elif not fed and row.unfinished <= window // 2:
            self.feed(row, window - row.unfinished)

    def feed(self, row: OpenBatch, room: int) -> None:
        """Insert up to ``room`` of the lines that follow."""
        try:
            path = self._inputs.path(row.input_file_id)
        except NotFound:
            self._lost(row)
            return
        kind = batch_lines.kind_of(row.endpoint)
        assert kind is not None  # it was, when the batch was made
        serving = self._database.call(_serving)
        for chunk in self._chunks(row, kind, serving, batch_lines.read(path, row.offset), room):
            told = self._database.call(_insert, row, chunk, kind)
            if told is None:
                return
            self._publish(told)

    def _chunks(
        self,
        row: OpenBatch,
        kind: str,
        serving: Mapping[str, Collection[str]],
        found: Iterable[tuple[bytes, int]],
        room: int,
    ) -> Iterator[LineRange]:
        chunk = LineRange(row.offset, row.offset)
        for number, (line, end) in enumerate(islice(found, room), row.lines):
            self._add(chunk, row, kind, serving, number, line)
            chunk.end = end
            if len(chunk) >= CHUNK_LINES or chunk.end - chunk.begin >= CHUNK_BYTES:
                yield chunk
                chunk = LineRange(end, end)
        if len(chunk):
            yield chunk

    def _add(
        self,
        chunk: LineRange,
        row: OpenBatch,
        kind: str,
        serving: Mapping[str, Collection[str]],
        number: int,
        line: bytes,
    ) -> None:
        """The line as a job, or as one that has failed."""
        job, name, uid = new_id(), None, ""

        def find(file: str) -> str:
            return uploads.artifact(self._database.call(uploads.get, file, row.api_key_id).id)

        def put(file: str, data: bytes, media_type: str) -> str:
            key = f"jobs/{job}/input/{file}"
            self._store.put(key, data, media_type)
            return key

        try:
            found = batch_lines.parse(line)
            name, uid = found["custom_id"], batch_lines.uid_of(found)
            asked = batch_lines.request(found, kind, serving, find, put, strict=self._settings.strict_fields)
        except (StorageUnavailable, DatabaseUnavailable):
            raise
        except HeadraceError as error:
            chunk.refused.append(Refused(number, name or batch_lines.custom_id(line), uid, error))
            return
        new = NewJob(
            id=job,
            kind=kind,
            uid=asked.body["model"],
            request=asked.body,
            api_key_id=row.api_key_id,
            files=asked.files,
            priority=BATCH_PRIORITY,
            deadline_s=(row.expires_at - row.now) / 1000,
            max_attempts=self._settings.job_attempts,
            batch_id=row.id,
            line=number,
            custom_id=name,
            metadata={"ignored": asked.ignored} if asked.ignored else None,
        )
        chunk.new.append(new)

    def _fail(self, row: OpenBatch, errors: list[dict[str, Any]]) -> None:
        self._publish(map(presence.device_channel, self._database.call(batches.fail, row.id, errors)))

    def _lost(self, row: OpenBatch) -> None:
        message = "the input file is not there any more"
        self._fail(row, [{"code": "file_not_found", "line": None, "message": message, "param": "input_file_id"}])

    def _publish(self, channels: Iterable[str]) -> None:
        """Wake who has something to do now. Everybody looks by himself within a second."""
        try:
            for channel in channels:
                self._client.publish(channel, b"")
        except RedisError as error:
            log.info("cannot wake others: %s", error)


def _serving(connection: Connection) -> dict[str, tuple[str, ...]]:
    return {row.uid: serves(row.engine, row.model_type) for row in instances.listing(connection)}


def _insert(connection: Connection, row: OpenBatch, chunk: LineRange, kind: str) -> list[str] | None:
    """Insert a chunk; the channels of those who should look. None: somebody else goes on with this batch."""
    if not batches.feed(connection, row, (chunk.begin, chunk.end), chunk.new, chunk.refused, kind):
        return None
    uids = {one.uid for one in chunk.new}
    awoken = instances.awaken(connection, uids)
    return [presence.device_channel(one) for one in batches.holders(connection, uids)] + [presence.STEWARD] * awoken


class Inputs:
    """The inputs of open batches as files of this machine. From any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._stack = ExitStack()
        self._paths: dict[str, Path] = {}

    def path(self, file: str) -> Path:
        """Where this file can be read. Raises NotFound, StorageUnavailable."""
        with self._lock:
            found = self._paths.get(file)
            if found is None or not found.is_file():
                if self._folder is None:
                    self._folder = self._stack.enter_context(scratch.folder())
                found = self._paths[file] = self._store.local(uploads.artifact(file), self._folder)
        return found

    def keep(self, files: set[str]) -> None:
        """Forget the copies of all others."""
        with self._lock:
            for file in self._paths.keys() - files:
                path = self._paths.pop(file)
                if self._folder and path.parent == self._folder:
                    path.unlink(missing_ok=True)

    def close(self) -> None:
        """Forget all."""
        self._stack.close()
