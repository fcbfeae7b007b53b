"""Drives an image engine as the runner does, and remembers what it says."""

import asyncio
import io
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image

from models.errors import HeadraceError
from models.modalities.images import Piece, Request
from models.modalities.media import Artifact, Outcome
from workers.engines.base import Engine


class Images:
    """A sink that keeps all that is put in it, and objects to what may not be."""

    def __init__(self, rid: str, files: Mapping[str, Path]) -> None:
        self.rid = rid
        self.files = files
        self.steps: list[tuple[float, float]] = []
        self.previews: list[Artifact] = []
        self.pieces: list[Piece] = []
        self.warnings: list[str] = []
        self.outcome: Outcome | None = None
        self.error: HeadraceError | None = None
        self.progressed = asyncio.Event()
        self.over = asyncio.Event()

    def progress(self, done: float, total: float, preview: Artifact | None = None) -> None:
        """One more step."""
        assert not self.over.is_set()
        assert 0 <= done <= total
        self.steps.append((done, total))
        self.previews += [preview] if preview else []
        self.progressed.set()

    def piece(self, data: bytes) -> None:
        """A part of a streamed answer."""
        assert not self.over.is_set()
        self.pieces.append(msgspec.msgpack.decode(data, type=Piece))

    def warn(self, message: str) -> None:
        """What the images lack."""
        assert not self.over.is_set()
        self.warnings.append(message)

    def done(self, outcome: Outcome) -> None:
        """The end."""
        assert not self.over.is_set()
        self.outcome = outcome
        self.over.set()

    def fail(self, error: HeadraceError) -> None:
        """The other end."""
        assert not self.over.is_set()
        self.error = error
        self.over.set()

    @property
    def body(self) -> dict[str, Any]:
        """What the engine says of its images."""
        assert self.outcome is not None
        return self.outcome.body

    @property
    def images(self) -> list[Image.Image]:
        """The images, opened."""
        assert self.outcome is not None
        named = {one.name: one for one in self.outcome.artifacts}
        return [Image.open(io.BytesIO(named[one["artifact"]].data)) for one in self.body["images"]]

    @property
    def image(self) -> Image.Image:
        """The one image, in RGB."""
        (found,) = self.images
        return found.convert("RGB")


class ImagesDriver:
    """A resident engine."""

    def __init__(self, engine: Engine[Any]) -> None:
        self.engine = engine
        self.capacity = engine.capacity
        self._numbers = count()

    def submit(self, files: Mapping[str, Path] | None = None, **fields: Any) -> Images:
        """Begin a request."""
        request = Request.model_validate({"model": "glyphs"} | fields)
        self.engine.check(request)
        sink = Images(f"job_{next(self._numbers)}.1", files or {})
        try:
            self.engine.images(request, sink)  # type: ignore[attr-defined]
        except HeadraceError as error:  # the runner does the same
            sink.fail(error)
        return sink

    async def ask(self, files: Mapping[str, Path] | None = None, **fields: Any) -> Images:
        """A whole answer, without error."""
        sink = self.submit(files, **fields)
        await self.until_over(sink)
        assert sink.error is None, sink.error
        return sink

    async def refused(self, files: Mapping[str, Path] | None = None, **fields: Any) -> HeadraceError:
        """The error that a request ends with."""
        sink = self.submit(files, **fields)
        await self.until_over(sink)
        assert sink.error is not None
        return sink.error

    async def until_over(self, sink: Images) -> None:
        """Wait for the end, whichever it is."""
        await asyncio.wait_for(sink.over.wait(), 100)

    async def until_told(self, sink: Images, steps: int) -> None:
        """Wait until a request is so far."""
        async with asyncio.timeout(100):
            while len(sink.steps) < steps:
                sink.progressed.clear()
                await sink.progressed.wait()
