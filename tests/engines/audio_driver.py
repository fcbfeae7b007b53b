"""Drives a media engine as the runner does, and remembers what it says."""

import asyncio
from collections.abc import Mapping
from itertools import count, pairwise
from pathlib import Path
from typing import Any

from models.errors import HeadraceError
from models.modalities import modality
from models.modalities.media import Artifact, Outcome
from models.modalities.transcription import HeardPiece, piece_of
from workers.engines import engine_class
from workers.engines.base import Engine, EngineSite

_numbers = count()


class Job:
    """A sink that keeps all that is put in it, and objects to what may not be."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.rid = f"job-{next(_numbers)}.1"
        self.files = files
        self.steps: list[tuple[float, float]] = []
        self.pieces: list[bytes] = []
        self.warnings: list[tuple[str, int]] = []
        """Each with how many pieces came before it."""
        self.outcome: Outcome | None = None
        self.error: HeadraceError | None = None
        self.aborted = False
        self.said = asyncio.Event()
        self.over = asyncio.Event()

    def progress(self, done: float, total: float, preview: Artifact | None = None) -> None:
        """One more step."""
        self._live()
        assert 0 <= done <= total + 1e-6, (done, total)
        self.steps.append((done, total))
        self.said.set()

    def piece(self, data: bytes) -> None:
        """One more piece."""
        self._live()
        assert data
        self.pieces.append(data)

    def warn(self, message: str) -> None:
        """What the answer will lack."""
        self._live()
        self.warnings.append((message, len(self.pieces)))

    def done(self, outcome: Outcome) -> None:
        """The end."""
        self._live()
        self.outcome = outcome
        self.over.set()

    def fail(self, error: HeadraceError) -> None:
        """The other end."""
        self._live()
        self.error = error
        self.said.set()
        self.over.set()

    def _live(self) -> None:
        assert not self.over.is_set()
        assert not self.aborted

    @property
    def body(self) -> dict[str, Any]:
        """What came of it."""
        assert self.error is None, self.error
        assert self.outcome is not None
        assert all(one[0] <= other[0] for one, other in pairwise(self.steps)), "progress goes forward"
        return self.outcome.body

    @property
    def sound(self) -> bytes:
        """The file that was made."""
        assert self.error is None, self.error
        assert self.outcome is not None
        assert len(self.outcome.artifacts) == 1
        return self.outcome.artifacts[0].data

    @property
    def heard(self) -> list[HeardPiece]:
        """What was heard, piece by piece; each lies within the recording."""
        found = [piece_of(one) for one in self.pieces]
        times = [one for piece in found for one in (piece.start, piece.end)]
        assert all(one is not None and 0 <= one <= self.body["duration"] + 1 for one in times), times
        assert all((piece.start or 0) <= (piece.end or 0) for piece in found), times
        return found

    @property
    def text(self) -> str:
        """What was heard, of which the pieces must be the parts."""
        text: str = self.body["text"]
        assert "".join(one.text for one in self.heard) == text
        return text


class MediaDriver:
    """A resident engine."""

    def __init__(self, kind: str, engine: Engine[Any]) -> None:
        self.kind = kind
        self.engine = engine

    @classmethod
    async def resident(cls, kind: str, engine: str, source: Path, options: dict[str, Any]) -> "MediaDriver":
        """Load an engine on the CPU."""
        site = EngineSite(str(source), "cpu", options)
        return cls(kind, await engine_class(engine).resident(site, lambda *_: None))

    def submit(self, file: Path | None = None, **fields: Any) -> Job:
        """Begin a request."""
        request: Any = modality(self.kind).request.model_validate({"model": "tested"} | fields)
        job = Job({} if file is None else {"file": file})
        try:
            self.engine.check(request)
            getattr(self.engine, self.kind)(request, job)
        except HeadraceError as error:  # the runner does the same
            job.fail(error)
        return job

    async def ask(self, file: Path | None = None, **fields: Any) -> Job:
        """A request and its end, whichever it is."""
        job = self.submit(file, **fields)
        await asyncio.wait_for(job.over.wait(), 100)
        return job

    async def until_said(self, job: Job, steps: int) -> None:
        """Wait until a request is under way."""
        async with asyncio.timeout(60):
            while len(job.steps) < steps:
                assert job.error is None, job.error
                job.said.clear()
                await job.said.wait()

    def abort(self, job: Job) -> None:
        """Nobody waits for it any more."""
        job.aborted = True
        self.engine.abort(job.rid)
