"""Tells gateways of requests that no runner will answer."""

import logging
from collections.abc import Iterable

import redis
from redis.exceptions import RedisError

from models.errors import HeadraceError
from models.redis import stream
from models.redis.stream import Frame, FrameKind, Packet
from workers.protocol import Submit

log = logging.getLogger(__name__)


def publish_lost(client: redis.Redis, worker: str, submits: Iterable[Submit], error: HeadraceError) -> None:
    """Publish the end of these requests, and free their slots. Sequence -1 is taken whatever came before."""
    body = stream.encode(error.to_wire())
    frames: dict[str, list[Frame]] = {}
    try:
        pipeline = client.pipeline(transaction=False)
        for submit in submits:
            frames.setdefault(submit.gateway_id, []).append(Frame(submit.rid, -1, FrameKind.ERROR, body))
            for key in submit.slots:
                pipeline.zrem(key, submit.rid)
        for gateway_id, lost in frames.items():
            packet = Packet(stream.VERSION, worker, lost)
            pipeline.publish(stream.gateway_channel(gateway_id), stream.encode(packet))
        pipeline.execute()
    except RedisError as failure:
        log.warning("cannot tell the gateways of lost requests: %s", failure)
