"""A batch's end: its output and its error file, in the order of the input, and then its lines are forgotten.

Written to files of new ids every time that it is tried, and recorded in the transaction that ends the batch: whoever
is killed here leaves a file that nobody knows of, for the broom.
"""

import asyncio
import base64
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from models.errors import HeadraceError, InvalidLine, NotFound, ShuttingDown, StorageUnavailable
from models.modalities import KINDS, MEDIA
from models.rows import batches, uploads
from models.rows.database import Database
from models.rows.records import BatchLine, BatchRow
from models.rows.states import BatchState, JobState
from models.settings import Settings
from models.storage.artifacts import Store
from models.storage.rendering import StoredArtifact, rendered
from workers.steward import batch_lines

log = logging.getLogger(__name__)

PAGE = 100
_encode = msgspec.json.Encoder().encode
_CANCELLED = {"code": "batch_cancelled", "message": "The batch was cancelled before this request was executed."}


class Usage:
    """The tokens of all answers, as a batch tells them."""

    def __init__(self) -> None:
        self.read = self.cached = self.written = 0

    def add(self, body: Any) -> None:
        """Count an answer's, if it tells of any."""
        usage = body.get("usage") if isinstance(body, dict) else None
        if isinstance(usage, dict) and "prompt_tokens" in usage:
            self.read += usage["prompt_tokens"]
            self.written += usage.get("completion_tokens", 0)
            self.cached += (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)

    def shown(self) -> dict[str, Any]:
        """OpenAI's ``BatchUsage``."""
        return {
            "input_tokens": self.read,
            "input_tokens_details": {"cached_tokens": self.cached},
            "output_tokens": self.written,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.read + self.written,
        }


class Finaliser:
    """Ends batches. ``local`` gives an input file, by id, as a file of this machine."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        store: Store,
        local: Callable[[str], Path],
        over: threading.Event,
    ) -> None:
        self._settings = settings
        self._database = database
        self._store = store
        self._local = local
        self._over = over

    def finish(self, row: BatchRow) -> None:
        """End a batch of which nothing waits or runs."""
        tally = self._database.call(batches.tallies, [row.id])[row.id]
        left = max(row.total - row.lines, 0)
        state = end_of(row.state, tally, left)
        good, bad = tally.get(JobState.SUCCEEDED, 0), sum(tally.values()) - tally.get(JobState.SUCCEEDED, 0) + left
        usage = Usage()
        written = {}
        if good:
            written["output_file_id"] = self._write(row, "output", self._succeeded(row, usage))
        if bad:
            written["error_file_id"] = self._write(row, "error", self._others(row, state))
        failed = bad if state is not BatchState.CANCELLED else tally.get(JobState.FAILED, 0)
        counts = {"total": row.total, "completed": good, "failed": failed, "usage": usage.shown()}
        if self._database.call(batches.finish, row, state, written, counts):
            log.info("batch %s: %s, %d of %d lines succeeded", row.id, state, good, row.total)
            forget_lines(self._database, self._store, row)
        else:
            self._store.delete([uploads.artifact(file["id"]) for file in written.values()])

    def _write(self, row: BatchRow, name: str, entries: Iterator[dict[str, Any]]) -> dict[str, Any]:
        """Store a file of these lines; its row."""

        async def chunks() -> AsyncIterator[bytes]:
            for entry in entries:
                if self._over.is_set():
                    raise ShuttingDown()
                yield _encode(entry) + b"\n"

        file = uploads.new_id()
        size = asyncio.run(self._store.write(uploads.artifact(file), chunks(), "application/jsonl"))
        return {
            "id": file,
            "api_key_id": row.api_key_id,
            "filename": f"{row.id}_{name}.jsonl",
            "purpose": "batch_output",
            "media_type": "application/jsonl",
            "bytes": size,
            "expires_s": row.output_expires_s or self._settings.file_retention_s,
        }

    def _rows(self, row: BatchRow, *, succeeded: bool) -> Iterator[BatchLine]:
        after = -1
        while page := self._database.call(lambda c: batches.page(c, row.id, after, PAGE, succeeded=succeeded)):  # noqa: B023
            yield from page
            after = page[-1].line

    def _succeeded(self, row: BatchRow, usage: Usage) -> Iterator[dict[str, Any]]:
        for line in self._rows(row, succeeded=True):
            try:
                body = self._answer(line)
            except StorageUnavailable:
                raise
            except HeadraceError as error:  # its artifacts are lost
                yield _entry(line.id, line.custom_id, error=described_error(error))
                continue
            usage.add(body)
            yield _entry(line.id, line.custom_id, response=(200, body), ignored=(line.metadata or {}).get("ignored"))

    def _answer(self, line: BatchLine) -> Any:
        """What the endpoint would have answered: JSON, text, or else a data URL. Pictures are data URLs in it."""
        if line.body is None:
            raise NotFound("the result of this request was lost")

        def link(_: str, kept: StoredArtifact) -> str:
            return data_url(read(kept), kept["media_type"])

        def read(kept: StoredArtifact) -> bytes:
            return self._store.read(kept["key"])

        answer = rendered(line.kind, line.request, line.body, link, read)
        if answer.media_type == "application/json":
            return msgspec.Raw(answer.content) if KINDS[line.kind].modality in MEDIA else line.body["body"]
        if "charset=utf-8" in answer.media_type:
            return answer.content.decode()
        return data_url(answer.content, answer.media_type)

    def _others(self, row: BatchRow, state: BatchState) -> Iterator[dict[str, Any]]:
        for line in self._rows(row, succeeded=False):
            yield failure(line)
        if row.lines >= row.total:
            return
        error = _CANCELLED if state is BatchState.CANCELLED else batches.LINE_EXPIRED
        try:
            path = self._local(row.input_file_id)
        except NotFound:
            log.warning("batch %s: its input is gone, and with it the lines that were left", row.id)
            return
        for number, (text, _) in enumerate(batch_lines.read(path, row.offset), row.lines):
            yield _entry(f"{row.id.removeprefix('batch_')}{number:05}", batch_lines.custom_id(text), error=error)


def end_of(state: str, tally: dict[str, int], left: int) -> BatchState:
    """How a batch ends, by its state, how many lines are in which state, and how many never became jobs."""
    if state == BatchState.CANCELLING:
        return BatchState.CANCELLED
    return BatchState.EXPIRED if left or tally.get(JobState.EXPIRED) else BatchState.COMPLETED


def failure(line: BatchLine) -> dict[str, Any]:
    """The error file's entry of a line that did not succeed."""
    if line.state == JobState.CANCELLED:
        return _entry(line.id, line.custom_id, error=_CANCELLED)
    if line.state == JobState.EXPIRED:
        return _entry(line.id, line.custom_id, error=batches.LINE_EXPIRED)
    error = HeadraceError.from_row(line.error)
    if isinstance(error, InvalidLine):
        return _entry(line.id, line.custom_id, error=described_error(error) | {"line": line.line + 1})
    if error.status >= 500:
        return _entry(line.id, line.custom_id, error=described_error(error))
    body = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return _entry(line.id, line.custom_id, response=(error.status, {"error": body}))


def described_error(error: HeadraceError) -> dict[str, Any]:
    """An error that was no answer."""
    return {"code": error.code, "message": error.message}


def data_url(data: bytes, media_type: str) -> str:
    """These bytes as a URL: it holds as long as the file that it stands in."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _entry(
    job: str,
    custom_id: str | None,
    *,
    response: tuple[int, Any] | None = None,
    error: dict[str, Any] | None = None,
    ignored: str | None = None,
) -> dict[str, Any]:
    """A line of a file. ``ignored`` are the fields that had no effect; elsewhere a header names them."""
    name = job.removeprefix("job_")
    answer = response and {"status_code": response[0], "request_id": f"req_{name}", "body": response[1]}
    if answer and ignored:
        answer["headers"] = {"x-headrace-ignored": ignored}
    return {"id": f"batch_req_{name}", "custom_id": custom_id, "response": answer, "error": error}


def forget_lines(database: Database, store: Store, row: BatchRow) -> None:
    """Forget the lines of a batch that is over, their results and their artifacts. Killed here, it is done later."""
    kind = batch_lines.kind_of(row.endpoint)
    stored = kind is None or KINDS[kind].modality in MEDIA
    while ids := database.call(batches.forget_lines, row.id):
        for job in ids if stored else ():
            store.delete_prefix(f"jobs/{job}/")
