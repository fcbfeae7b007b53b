"""Folders that do not answer keep their looks waiting, and nobody else (``api.routes.models.preparing``)."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from api.gateway.gateway import Gateway
from api.routes.models import preparing
from models.errors import Unavailable
from models.launching.hub import Source
from models.launching.launch import Launch
from models.process.looks import Looks


class Parts(Gateway):
    """A gateway that can look at weights, and no more."""

    def __init__(self) -> None:
        object.__setattr__(self, "looks", Looks())
        object.__setattr__(self, "hub_looks", Looks(most=1))
        object.__setattr__(self, "settings", SimpleNamespace(node="n1"))


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All weights lie in a folder that answers after the test."""
    may = threading.Event()
    monkeypatch.setattr(preparing, "peek", lambda *_: may.wait())
    monkeypatch.setattr(preparing, "PEEK_S", 0.1)
    yield
    may.set()


@pytest.mark.usefixtures("hung")
async def test_looks_that_hang_leave_the_gateways_threads_to_others(tmp_path: Path) -> None:
    gateway = Parts()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    launch = Launch(model_name="m", model_path=str(tmp_path))
    looks = [preparing._look(gateway, launch, [], seeing=False) for _ in range(50)]
    assert set(await asyncio.gather(*looks)) == {None}, "launches go on without"
    async with asyncio.timeout(10):
        assert await gateway.blocking(sum, [1, 2]) == 3


async def test_a_hub_that_hangs_keeps_no_folder_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    begun, may = threading.Event(), threading.Event()

    def peek(source: Source, _: float) -> str:
        if source.kind == "huggingface":
            begun.set()
            may.wait()
        return source.kind

    monkeypatch.setattr(preparing, "peek", peek)
    gateway = Parts()
    object.__setattr__(gateway, "looks", Looks(most=1))
    hub = Launch(model_name="m", model_path="hf:org/hangs")
    first = asyncio.create_task(preparing._look(gateway, hub, [], seeing=False))
    await asyncio.to_thread(begun.wait, 10)
    async with asyncio.timeout(5):
        folder = Launch(model_name="m", model_path=str(tmp_path))
        assert str(await preparing._look(gateway, folder, [], seeing=False)) == "path"
    with pytest.raises(Unavailable, match="does not answer within"):
        await gateway.looking(sum, [1], on_hub=True, within_s=0.1)
    may.set()
    assert str(await first) == "huggingface"


async def test_who_needs_to_see_them_hears_that_nothing_answers() -> None:
    may = threading.Event()
    with pytest.raises(Unavailable, match="does not answer within"):
        await Parts().looking(may.wait, within_s=0.1)
    may.set()
