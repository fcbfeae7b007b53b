"""Launches tiny pipelines that make videos, keeps the frames that they make, and compares them with the bare ones."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from models.errors import HeadraceError
from models.modalities.videos import Request
from tests.engines.audio_driver import Job
from tests.families import residents
from workers.engines.base import Engine
from workers.engines.media.video_encoding import Frame, artifacts

PROMPT = "a red cat"
SIZE = "64x64"


class VideosDriver:
    """A resident engine. ``frames``: those of each video, as they were before they were encoded."""

    def __init__(self, engine: Engine[Any]) -> None:
        self.engine = engine
        self.frames: list[list[Frame]] = []
        self._numbers = count()

    def submit(self, files: Mapping[str, Path] | None = None, **fields: Any) -> Job:
        """Begin a request."""
        request = Request.model_validate({"model": "film", "prompt": PROMPT, "steps": 2, "seed": 3} | fields)
        self.engine.check(request)
        job = Job(files or {})
        try:
            self.engine.videos(request, job)  # type: ignore[attr-defined]
        except HeadraceError as error:  # the runner does the same
            job.fail(error)
        return job

    async def ask(self, files: Mapping[str, Path] | None = None, **fields: Any) -> Job:
        """A whole answer, without error."""
        job = self.submit(files, **fields)
        await asyncio.wait_for(job.over.wait(), 100)
        assert job.error is None, job.error
        return job

    async def refused(self, files: Mapping[str, Path] | None = None, **fields: Any) -> HeadraceError:
        """The error that a request ends with."""
        job = self.submit(files, **fields)
        await asyncio.wait_for(job.over.wait(), 100)
        assert job.error is not None
        return job.error


@asynccontextmanager
async def launched(folder: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> AsyncIterator[VideosDriver]:
    """The pipeline in this folder, launched by the folder alone."""
    async with residents.launched(folder, n_threads=1, **options) as resident:
        driver = VideosDriver(resident.engine)

        def kept(frames: list[Frame], fps: float) -> Any:
            driver.frames.append(frames)
            return artifacts(frames, fps)

        monkeypatch.setattr("workers.engines.diffusers.video.engine.artifacts", kept)
        yield driver


def made(pipe: Any, seed: int = 3, **arguments: Any) -> Any:
    """The frames that the bare pipeline makes, as the library turns them into pictures: 0 to 255."""
    given = {"prompt": PROMPT, "generator": torch.Generator("cpu").manual_seed(seed), "num_inference_steps": 2}
    frames = pipe(**given | {"width": 64, "height": 64, "output_type": "pil"} | arguments).frames[0]
    return np.stack([np.asarray(one) for one in frames])


def apart(one: Any, other: Any) -> int:
    """The greatest difference of any number of any pixel of any frame, of 255."""
    left, right = np.asarray(one, int), np.asarray(other, int)
    assert left.shape == right.shape
    return int(abs(left - right).max())


def played(job: Job, folder: Path) -> tuple[Any, float]:
    """The frames of the file that came of a request, as a player decodes them, and its frames a second."""
    assert job.outcome is not None
    [data] = [one.data for one in job.outcome.artifacts if one.name == job.body["video"]]
    path = folder / "played.mp4"
    path.write_bytes(data)
    with av.open(str(path), "r") as container:
        rate = container.streams.video[0].average_rate
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert rate is not None
    return np.stack(frames), float(rate)


def near(one: Any, other: Any) -> bool:
    """Whether two videos look alike. Colours are stored for two by two pixels, and these are noise: so brightness."""
    light = (0.2126, 0.7152, 0.0722)
    return bool(np.abs(one @ light - other @ light).mean() < 6)
