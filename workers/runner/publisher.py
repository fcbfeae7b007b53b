"""The runner's way out: frames of all requests, gathered by gateway, one PUBLISH for each turn of the loop.

While one publish is under way the next turn's frames gather, so an engine that tells of a step in one turn needs no
timer. One whose step comes in pieces, a thread a request, says how long they take (``Engine.gather_s``).
"""

import asyncio
import logging
from collections.abc import Callable

import redis.asyncio as redis
from redis.exceptions import RedisError

from models.redis import stream
from models.redis.stream import Frame, Packet

log = logging.getLogger(__name__)

RETRY_S = 0.25
DEAD_S = 2.5
"""Longer than a gateway takes to reconnect; beats alone come often enough to see it through."""


class Publisher:
    """Publishes frames and beats to gateways; reports the gateways that nobody serves any more."""

    def __init__(
        self,
        client: redis.Redis,
        epoch: str,
        on_dead: Callable[[str], None],
        gather_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._client = client
        self._epoch = epoch
        self._on_dead = on_dead
        self._gather_s = gather_s
        self._frames: dict[str, list[Frame]] = {}
        self._beats: dict[str, dict[str, int]] = {}
        self._leaves: list[tuple[str, str]] = []
        self._unheard: dict[str, float] = {}
        self._work = asyncio.Event()
        self.publishes = 0

    def put(self, gateway_id: str, frame: Frame) -> None:
        """Queue a frame for the next publish to its gateway."""
        self._frames.setdefault(gateway_id, []).append(frame)
        self._work.set()

    def beat(self, beats: dict[str, dict[str, int]]) -> None:
        """Queue the beats: gateway → request → the sequence number that comes next."""
        self._beats = beats
        self._work.set()

    def leave(self, slots: list[str], rid: str) -> None:
        """A request is over: give its admission slots back with the next publish."""
        self._leaves.extend((key, rid) for key in slots)
        self._work.set()

    async def run(self) -> None:
        """Publish for ever."""
        while True:
            await self._work.wait()
            if (gather_s := self._gather_s()) > 0:
                await asyncio.sleep(gather_s)
            self._work.clear()
            frames, self._frames = self._frames, {}
            beats, self._beats = self._beats, {}
            leaves, self._leaves = self._leaves, []
            try:
                await self._publish(frames, beats, leaves)
            except (RedisError, OSError) as error:
                # The frames stay in their requests' logs: the next beat tells gateways what they missed.
                log.warning("cannot publish: %s", error)
                self._leaves[:0] = leaves
                await asyncio.sleep(RETRY_S)

    async def flush(self, limit_s: float) -> None:
        """Publish what is queued, once, as well as can be within this many seconds."""
        try:
            async with asyncio.timeout(limit_s):
                await self._publish(self._frames, {}, self._leaves)
        except (RedisError, OSError) as error:
            log.warning("the last frames could not be published: %s", error)
        self._frames, self._leaves = {}, []

    async def _publish(
        self, frames: dict[str, list[Frame]], beats: dict[str, dict[str, int]], leaves: list[tuple[str, str]]
    ) -> None:
        gateways = frames.keys() | beats.keys()
        packets = {
            one: stream.encode(Packet(stream.VERSION, self._epoch, frames.get(one, []), beats.get(one)))
            for one in gateways
        }
        self.publishes += len(packets)
        if len(packets) == 1:  # the common case, on the hot path: a pipeline takes twice as long
            [(gateway_id, packet)] = packets.items()
            self._judge(gateway_id, await self._client.publish(stream.gateway_channel(gateway_id), packet))
            packets = {}
        if packets or leaves:
            await self._pipeline(packets, leaves)

    async def _pipeline(self, packets: dict[str, bytes], leaves: list[tuple[str, str]]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for gateway_id, packet in packets.items():
            pipeline.publish(stream.gateway_channel(gateway_id), packet)
        for key, rid in leaves:
            pipeline.zrem(key, rid)
        heard = await pipeline.execute()
        for gateway_id, listeners in zip(packets, heard, strict=False):
            self._judge(gateway_id, listeners)

    def _judge(self, gateway_id: str, listeners: int) -> None:
        """Heard by nobody again after ``DEAD_S``: that gateway is dead, and not just between two connections."""
        now = asyncio.get_running_loop().time()
        if listeners:
            self._unheard.pop(gateway_id, None)
        elif now - self._unheard.setdefault(gateway_id, now) > DEAD_S:
            del self._unheard[gateway_id]
            self._on_dead(gateway_id)
