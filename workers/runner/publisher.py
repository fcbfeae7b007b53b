"""The runner's way to the gateways: the frames of all requests, gathered by gateway and sent with one PUBLISH each.

All frames of one iteration of the event loop go together. While one publish is under way the frames of the next one
gather, so an engine that delivers a step within one iteration needs no timer. An engine whose step arrives in pieces,
from a thread for each request, states how long to wait for them (``Engine.gather_s``).
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
"""Seconds without a subscriber after which a gateway counts as dead. A gateway reconnects sooner.

Beats are published once a second, so a channel is looked at often enough where there is nothing else to publish.
"""


class Publisher:
    """Publishes frames and beats to gateways. Calls ``on_dead`` for a gateway that does not listen any more.

    ``slots_client``: of the server of admission slots, where it is another one.
    """

    def __init__(
        self,
        client: redis.Redis,
        epoch: str,
        on_dead: Callable[[str], None],
        gather_s: Callable[[], float] = lambda: 0.0,
        slots_client: redis.Redis | None = None,
    ) -> None:
        self._client = client
        self._slots_client = slots_client or client
        self._epoch = epoch
        self._on_dead = on_dead
        self._gather_s = gather_s
        self._frames: dict[str, list[Frame]] = {}
        self._beats: dict[str, dict[str, int]] = {}
        self._leaves: list[tuple[str, str]] = []
        self._without_listener: dict[str, float] = {}  # gateway → since when, in the loop's time
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
                # The frames stay in their requests' logs: by the next beat gateways see that they have missed some.
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
            gateway: stream.encode(Packet(stream.VERSION, self._epoch, frames.get(gateway, []), beats.get(gateway)))
            for gateway in gateways
        }
        self.publishes += len(packets)
        if len(packets) == 1:  # the common case, on the hot path: a pipeline takes twice as long
            [(gateway_id, packet)] = packets.items()
            self._note_listeners(gateway_id, await self._client.publish(stream.gateway_channel(gateway_id), packet))
            packets = {}
        together = leaves if self._slots_client is self._client else []
        if packets or together:
            await self._pipeline(self._client, packets, together)
        if len(leaves) > len(together):
            await self._pipeline(self._slots_client, {}, leaves)

    async def _pipeline(self, client: redis.Redis, packets: dict[str, bytes], leaves: list[tuple[str, str]]) -> None:
        pipeline = client.pipeline(transaction=False)
        for gateway_id, packet in packets.items():
            pipeline.publish(stream.gateway_channel(gateway_id), packet)
        for key, rid in leaves:
            pipeline.zrem(key, rid)
        results = await pipeline.execute()
        for gateway_id, listeners in zip(packets, results, strict=False):
            self._note_listeners(gateway_id, listeners)

    def _note_listeners(self, gateway_id: str, listeners: int) -> None:
        """Note how many received a publish. Where nobody did for ``DEAD_S``, the gateway is dead.

        Until then it may just be between two connections.
        """
        now = asyncio.get_running_loop().time()
        if listeners:
            self._without_listener.pop(gateway_id, None)
        elif now - self._without_listener.setdefault(gateway_id, now) > DEAD_S:
            del self._without_listener[gateway_id]
            self._on_dead(gateway_id)
