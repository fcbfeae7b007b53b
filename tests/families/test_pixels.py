"""How many pixels are looked at, and that looking holds up nobody else. With random weights in Qwen2.5-VL's layout."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from models.errors import InvalidRequest
from models.launching.options.text import MOST_PIXELS
from models.modalities.chat.messages import Media
from tests.engines.driver import Answer, Driver
from tests.families.makers.seeing.layouts import qwen2_5_vl
from tests.families.seen import asked, picture, resident
from tests.support.pictures import data_url, saved
from workers.engines.media.pixels import PixelRange
from workers.engines.transformers.seeing import pixels

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.weights]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("qwen")
    qwen2_5_vl(made)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def qwen(folder: Path) -> AsyncIterator[Driver]:
    driver = await resident(folder)
    yield driver
    driver.engine.close()


def shown(size: tuple[int, int], detail: str | None = None, **fields: Any) -> dict[str, Any]:
    """A question about a picture of this size."""
    data = saved("png", picture(size))
    part = {"type": "image_url", "image_url": {"url": data_url(data)} | ({"detail": detail} if detail else {})}
    content = [part, {"type": "text", "text": "What?"}]
    asked_for = {"messages": [{"role": "user", "content": content}], "media": [Media("image", "image/png", data)]}
    return asked_for | {"max_tokens": 3, "temperature": 0, "ignore_eos": True} | fields


async def tokens(driver: Driver, size: tuple[int, int], detail: str | None = None, **fields: Any) -> int:
    """How many tokens its picture takes: one for each 8 x 8 pixels of this layout."""
    answer = await driver.ask("chat", **shown(size, detail, **fields))
    plain = await driver.ask("chat", content="What?", max_tokens=1)
    assert answer.usage is not None
    assert plain.usage is not None
    return answer.usage.prompt_tokens - plain.usage.prompt_tokens - 2


class Tower:
    """The model's tower, which waits for ``go`` before it looks."""

    def __init__(self, driver: Driver) -> None:
        self._forward = driver.engine._model.manager._forward  # type: ignore[attr-defined]
        self._look: Callable[..., Any] = self._forward._tower
        self.go, self.asked = threading.Event(), threading.Event()

    def __enter__(self) -> "Tower":
        @wraps(self._look)
        def wait(**given: Any) -> Any:
            self.asked.set()
            assert self.go.wait(20)
            return self._look(**given)

        self._forward._tower = wait
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()
        self._forward._tower = self._look


async def begun(tower: Tower) -> None:
    assert await asyncio.to_thread(tower.asked.wait, 20)


async def test_looking_at_a_picture_holds_up_nobody(qwen: Driver) -> None:
    before = (await qwen.ask("chat", **shown((64, 64)))).text()
    with Tower(qwen) as tower:
        slow = qwen.submit("chat", **shown((64, 64)))
        await begun(tower)
        text = await qwen.ask("chat", content="A red seven.", max_tokens=8, ignore_eos=True)

        assert len(text.deltas) > 0
        assert not slow.over.is_set()
        tower.go.set()
        await qwen.until_over(slow)
    assert slow.text() == before


async def test_who_hangs_up_meanwhile_is_not_answered(qwen: Driver) -> None:
    steps = qwen.engine.counters()["steps"]
    with Tower(qwen) as tower:
        gone: Answer = qwen.submit("chat", **shown((64, 64), max_tokens=1000))
        await begun(tower)
        qwen.engine.abort(gone.rid)
        tower.go.set()
        other = await qwen.ask("chat", content="A red seven.", max_tokens=2, ignore_eos=True)

    assert (gone.deltas, other.finishes) == ([], {0: "length"})
    async with asyncio.timeout(60):
        while qwen.engine._model.manager._batches:  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)
    assert qwen.engine.counters()["steps"] - steps < 50
    assert len((await asked(qwen, [(64, 64), "What?"])).tokens) == 10


async def test_what_a_tower_cannot_do_is_that_requests_error(qwen: Driver) -> None:
    forward = qwen.engine._model.manager._forward  # type: ignore[attr-defined]
    look = forward._tower

    def fail(**given: Any) -> Any:
        raise RuntimeError("out of patience")

    forward._tower = fail
    answer = qwen.submit("chat", **shown((64, 64)))
    await qwen.until_over(answer)
    forward._tower = look

    assert answer.error is not None
    assert qwen.engine.alive()
    assert (await qwen.ask("chat", **shown((64, 64)))).finishes == {0: "length"}


async def test_requests_and_parts_bound_their_pictures(qwen: Driver) -> None:
    assert await tokens(qwen, (128, 96)) == 16 * 12
    assert await tokens(qwen, (128, 96), mm_processor_kwargs={"max_pixels": 64 * 48}) == 8 * 6
    assert await tokens(qwen, (64, 48), mm_processor_kwargs={"min_pixels": 128 * 96}) == 16 * 12
    assert await tokens(qwen, (800, 400), "low", mm_processor_kwargs={"max_pixels": 128 * 64}) == 16 * 8
    refused = qwen.submit("chat", **shown((800, 700)))
    await qwen.until_over(refused)
    assert isinstance(refused.error, InvalidRequest)  # longer than the context


async def test_detail_low_is_honoured(folder: Path) -> None:
    driver = await resident(folder, n_ctx=8192)
    high, low = await tokens(driver, (704, 640)), await tokens(driver, (704, 640), "low")

    assert high == 88 * 80
    assert low <= 512 * 512 // 64 < high
    driver.engine.close()


async def test_a_launch_bounds_all_pictures(folder: Path) -> None:
    driver = await resident(folder, max_pixels=64 * 64)

    assert await tokens(driver, (256, 256)) == 8 * 8
    assert await tokens(driver, (256, 256), mm_processor_kwargs={"max_pixels": 1 << 20}) == 8 * 8
    assert await tokens(driver, (256, 256), mm_processor_kwargs={"max_pixels": 32 * 32}) == 4 * 4
    driver.engine.close()


class _Processor:
    def __init__(self, **size: int) -> None:
        self.size = dict(size)


async def test_a_default_is_set_where_any_number_is_taken() -> None:
    free, edges = _Processor(shortest_edge=3136, longest_edge=12_845_056), _Processor(longest_edge=1540)

    assert pixels.bound(free, PixelRange()) == PixelRange(None, MOST_PIXELS)
    assert free.size == {"shortest_edge": 3136, "longest_edge": MOST_PIXELS}
    assert pixels.bound(edges, PixelRange()) == PixelRange()
    assert edges.size == {"longest_edge": 1540}
    assert pixels.bound(free, PixelRange(None, 2_000_000)).most == 2_000_000


@pytest.mark.parametrize(
    ("size", "least", "most", "fitted"),
    [
        ((100, 100), None, None, (100, 100)),
        ((4000, 3000), None, 120_000, (400, 300)),
        ((10, 10), 400, None, (20, 20)),
        ((30_000, 1), None, 10_000, (17_320, 1)),
    ],
)
async def test_pictures_are_scaled(
    size: tuple[int, int], least: int | None, most: int | None, fitted: tuple[int, int]
) -> None:
    assert PixelRange(least, most).fitted(picture(size)).size == fitted


async def test_a_range_that_holds_nothing_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        PixelRange(5000, 4000)

    assert caught.value.param == "min_pixels"
