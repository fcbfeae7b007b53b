"""Launches tiny pipelines by their folders, and compares what they draw with the bare pipeline's pictures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from models.errors import InvalidRequest
from tests.engines.diffusers.images_driver import ImagesDriver
from workers.engines import engine_class
from workers.engines.base import EngineSite

PROMPT = "a red cat"
SIZE = "64x64"


@asynccontextmanager
async def launched(folder: Path, **options: Any) -> AsyncIterator[ImagesDriver]:
    """The pipeline in this folder, as the engine has loaded it."""
    site = EngineSite(str(folder), "cpu", {"n_threads": 1, "preview_every_s": None} | options)
    engine = await engine_class("diffusers").resident(site, lambda *_: None)
    try:
        yield ImagesDriver(engine)
    finally:
        engine.close()


def refused(folder: Path, **options: Any) -> InvalidRequest:
    """What a launch of this folder is refused with, for good."""
    with pytest.raises(InvalidRequest) as caught:
        engine_class("diffusers").load(EngineSite(str(folder), "cpu", options), lambda *_: None)
    return caught.value


def bare(folder: Path, cls: Any = diffusers.DiffusionPipeline, **more: Any) -> Any:
    """The same pipeline as its library loads it."""
    pipe = cls.from_pretrained(folder, **more)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def drawn(pipe: Any, seed: int = 3, **arguments: Any) -> Image.Image:
    """What the bare pipeline draws with these arguments."""
    given = {"prompt": PROMPT, "generator": torch.Generator("cpu").manual_seed(seed), "num_inference_steps": 2}
    picture: Image.Image = pipe(**given | arguments).images[0]
    return picture


def apart(one: Image.Image, other: Image.Image) -> int:
    """The greatest difference of any number of any pixel, of 255."""
    assert one.size == other.size
    return int(abs(np.asarray(one.convert("RGB"), int) - np.asarray(other.convert("RGB"), int)).max())


def noise(path: Path, seed: int = 1) -> Path:
    """A picture of noise, as a file."""
    pixels = np.random.default_rng(seed).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(pixels).save(path, "png")
    return path
