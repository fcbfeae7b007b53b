"""Ears for wake-ups: a Redis channel on which a message, whatever it says, means that rows have changed."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from redis.exceptions import RedisError

from models.redis import broker

log = logging.getLogger(__name__)


def hear(redis_url: str, channel: str, wake: Callable[[], None]) -> None:
    """Call ``wake`` at every message, for ever. Pollers poll all the same: a missed wake-up costs a second."""
    while True:
        try:
            with broker.listening(redis_url) as client:
                ears = client.pubsub()
                ears.subscribe(channel)
                for _ in ears.listen():
                    wake()
        except RedisError as error:
            log.info("cannot hear %s: %s", channel, error)
            time.sleep(0.5)


def in_background(target: Callable[..., Any], *args: Any) -> None:
    """Run a chore that never ends in a daemon thread."""
    threading.Thread(target=target, args=args, daemon=True).start()
