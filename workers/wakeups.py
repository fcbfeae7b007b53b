"""Ears for wake-ups: a Redis channel on which a message, whatever it says, means that rows have changed."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

import redis.asyncio as redis
from redis.asyncio.client import PubSub

from models.process.background import PART_DEAD
from models.redis import broker

log = logging.getLogger(__name__)


def hear(redis_url: str, channel: str, wake: Callable[[], None]) -> None:
    """Call ``wake`` at every message and on every new connection, for ever; blocks.

    Pollers poll all the same: a missed wake-up costs a second.
    """

    async def subscribe(to: PubSub, _client: redis.Redis) -> None:
        await to.subscribe(channel)

    asyncio.run(broker.listen(redis_url, f"the channel {channel}", subscribe=subscribe, on_message=lambda _: wake()))


def in_background(target: Callable[..., Any], *args: Any) -> threading.Thread:
    """Run in a daemon thread what goes on as long as the process. Its error ends the process, to be started anew."""
    thread = threading.Thread(target=_run, args=(target, *args), daemon=True)
    thread.start()
    return thread


def _run(target: Callable[..., Any], *args: Any) -> None:
    try:
        target(*args)
    except BaseException:
        log.critical("a part of this process has failed: ending, to be started anew", exc_info=True)
        logging.shutdown()
        os._exit(PART_DEAD)
