"""Tells gateways of requests that no runner will answer."""

import logging
from collections.abc import Collection

import redis
from redis.exceptions import RedisError

from models.errors import HeadraceError
from models.redis import stream
from models.redis.stream import Frame, FrameKind, Packet
from workers.protocol import Submit

log = logging.getLogger(__name__)


class LostRequests:
    """Ends requests in a runner's place. Slots and answers may be on two servers."""

    def __init__(self, worker: str, client: redis.Redis, stream_client: redis.Redis) -> None:
        self._worker = worker
        self._client = client
        self._stream_client = stream_client

    def publish(self, submits: Collection[Submit], error: HeadraceError) -> None:
        """Publish the end of these requests, and free their slots. Sequence -1 is taken whatever came before."""
        body = stream.encode(error.to_wire())
        frames: dict[str, list[Frame]] = {}
        for submit in submits:
            frames.setdefault(submit.gateway_id, []).append(Frame(submit.rid, -1, FrameKind.ERROR, body))
        try:
            pipeline = self._stream_client.pipeline(transaction=False)
            for gateway_id, lost in frames.items():
                packet = Packet(stream.VERSION, self._worker, lost)
                pipeline.publish(stream.gateway_channel(gateway_id), stream.encode(packet))
            pipeline.execute()
            pipeline = self._client.pipeline(transaction=False)
            for submit in submits:
                for key in submit.slots:
                    pipeline.zrem(key, submit.rid)
            pipeline.execute()
        except RedisError as failure:
            log.warning("cannot tell the gateways of lost requests: %s", failure)
