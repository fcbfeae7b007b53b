"""A cache whose disk does not answer keeps those waiting who ask for it alone (``api.routes.models.cache``)."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import Request

from api.gateway.gateway import Gateway
from api.routes.models import cache
from models.errors import Unavailable
from models.hubs import cache as cached
from models.hubs.cache import CachedRepository
from models.process.looks import Looks

FETCHED = CachedRepository("huggingface", "org/name", Path("/nowhere"), 1, 1, 0.0, None, whole=True, shared=False)


class Parts(Gateway):
    """A gateway that can look at its cache, and no more. Its looks take no time."""

    def __init__(self) -> None:
        async def nothing(_: object) -> list[object]:
            return []

        object.__setattr__(self, "looks", Looks())
        object.__setattr__(self, "settings", SimpleNamespace(node="n1", home=Path("/nowhere")))
        object.__setattr__(self, "database", SimpleNamespace(look=nothing))

    async def looking(
        self, function: Callable[..., Any], *args: object, on_hub: bool = False, within_s: float = 0.1
    ) -> Any:
        return await super().looking(function, *args, on_hub=on_hub, within_s=min(within_s, 0.1))


@pytest.fixture
def request_() -> Request:
    return cast(Request, SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(gateway=Parts()))))


ASKED: dict[str, tuple[str, Callable[[Request], Awaitable[object]]]] = {
    "list": ("cached", lambda request: cache.list_cached_models(request)),
    "named": ("named", lambda request: cache.list_cached_files(request, "org/name")),
    "files": ("paths_of", lambda request: cache.list_cached_files(request, "org/name")),
    "which to remove": ("named", lambda request: cache.remove_cached_model(request, "org/name")),
    "remove": ("remove", lambda request: cache.remove_cached_model(request, "org/name")),
}


@pytest.mark.parametrize("asked", ASKED)
async def test_a_cache_that_hangs_leaves_the_gateways_threads_to_others(
    request_: Request, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    hangs, ask = ASKED[asked]
    may = threading.Event()  # the disk answers
    monkeypatch.setattr(cached, "named", lambda *_: [FETCHED])
    monkeypatch.setattr(cached, hangs, lambda *_: may.wait())
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    try:
        with pytest.raises(Unavailable, match="does not answer within"):
            await asyncio.wait_for(ask(request_), 5)
        async with asyncio.timeout(5):
            assert await cast(Any, request_).app.state.gateway.blocking(sum, [1, 2]) == 3
    finally:
        may.set()
