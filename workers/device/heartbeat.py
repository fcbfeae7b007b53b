"""The worker's signs of life: its snapshot in Redis, and the proof that it still consumes."""

import logging
import os
import time
import uuid

import redis
from redis.exceptions import RedisError

from models.redis import presence, queue
from workers.device.host import DeviceHost

log = logging.getLogger(__name__)

PROBE_EVERY_S = 5.0
PROBE_LOST_S = 20.0
STOPPED_CONSUMING = 70
"""Exit code of a worker whose Celery consumer has silently stopped."""


def beat(host: DeviceHost, client: redis.Redis) -> None:
    """Report the device once a second and at every change, for ever."""
    key = presence.device_key(host.id)
    while True:
        host.changed.wait(1)
        host.changed.clear()
        body = presence.encode(host.snapshot())
        try:
            pipeline = client.pipeline(transaction=False)
            pipeline.set(key, body, px=presence.LAPSE_MS)
            pipeline.publish(presence.DEVICES, body)
            pipeline.execute()
        except (RedisError, OSError) as error:
            log.warning("cannot report the device: %s", error)
            time.sleep(0.5)


class Probe:
    """Sends itself a message through the queue. When Redis takes them but none comes back, the consumer is dead:

    celery has had several bugs of this kind, and a worker that consumes nothing looks alive to everybody else.
    """

    def __init__(self, host: DeviceHost, client: redis.Redis) -> None:
        self._queue = queue.queue_name(host.id)
        self._client = client
        self._host = host
        self._heard_at: float | None = None

    def heard(self) -> None:
        """The consumer has run a probe."""
        self._heard_at = time.monotonic()

    def run(self) -> None:
        """Probe until the worker drains; ends the process when the consumer is dead."""
        lost_since: float | None = None
        while not self._host.draining:
            time.sleep(PROBE_EVERY_S)
            sent_at = time.monotonic()
            if not self._send():
                lost_since = None
                continue
            if lost_since is None or (self._heard_at or 0) > lost_since:
                lost_since = sent_at
            elif sent_at - lost_since > PROBE_LOST_S:
                log.critical("the queue is not consumed any more: ending, to be started anew")
                logging.shutdown()
                os._exit(STOPPED_CONSUMING)

    def _send(self) -> bool:
        message = queue.message(queue.PROBE, [], rid=uuid.uuid4().hex, queue=self._queue)
        try:
            self._client.lpush(self._queue, message)
        except (RedisError, OSError) as error:
            log.info("cannot probe: %s", error)
            return False
        return True
