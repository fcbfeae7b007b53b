"""The answers to all requests of this gateway, received on ONE pub/sub connection.

The connection is subscribed before any request is sent. It brings the frames of answers, which go into the inboxes,
and the snapshots of devices, which go into the routing table; where token traffic has a server of its own, the
snapshots have another connection. A request whose runner has fallen silent is failed here,
missing frames are asked for again, and a runner that works for a request which is over here is sent a cancel.
"""

import asyncio
import logging
import secrets
from contextlib import suppress
from typing import Any

import msgspec
import redis.asyncio as redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from api.gateway.inbox import Inbox
from api.gateway.routing_table import RoutingTable
from models.errors import BrokerUnavailable, HeadraceError, ReplicaLost
from models.process.background import Background
from models.redis import broker, presence, stream
from models.redis.stream import Cancel, Frame, FrameKind, Packet, Resend
from models.settings import Settings

log = logging.getLogger(__name__)

RECONNECT_S = 2.0
"""Streams survive if a lost connection is back within this time; what they missed is sent again."""
ASK_EVERY_S = 0.5
GAP_S = 3.0
"""A stream fails when frames are missing for this long. They are asked for several times, as a question may be lost."""
WATCH_EVERY_S = 0.25
LATE_S = 1.0
"""Where two looks at the inboxes lie further apart than this, this process stood still in between."""


class Replies:
    """All inboxes of this gateway, by request id."""

    def __init__(
        self, settings: Settings, client: redis.Redis, stream_client: redis.Redis, routing_table: RoutingTable
    ) -> None:
        self.gateway_id = secrets.token_hex(8)
        self.inboxes: dict[str, Inbox] = {}
        self.gaps = 0
        self.connected = False
        self._settings = settings
        self._client = client
        self._stream_client = stream_client
        self._routing_table = routing_table
        self._lost_at: float | None = None
        self._background = Background()

    def open(self, inbox: Inbox) -> None:
        """Take the frames of this request from now on."""
        self.inboxes[inbox.rid] = inbox

    def close(self, inbox: Inbox) -> None:
        """End a request here. Unless its answer is complete, its runner is sent a cancel and its slots are freed."""
        if self.inboxes.pop(inbox.rid, None) is not None and inbox.closing is None:
            self._background.once(self._leave(inbox), "cancelling a request")

    def lose(self, epoch: str) -> None:
        """Fail the requests of a runner that has ended."""
        for inbox in [one for one in self.inboxes.values() if one.epoch == epoch]:
            inbox.fail(ReplicaLost())

    def fail_all(self, error: HeadraceError) -> None:
        """End everything that is open with this error."""
        for inbox in list(self.inboxes.values()):
            inbox.fail(error)

    async def run(self) -> None:
        """Listen for ever, over any number of connections."""
        async with asyncio.TaskGroup() as group:  # the gateway needs both: if one fails, so does ``run``
            group.create_task(self._watch())
            group.create_task(
                broker.listen(
                    self._settings.stream_redis,
                    "the reply channel",
                    subscribe=self._subscribe,
                    on_message=self._take,
                    on_disconnect=self._disconnect,
                )
            )
            if not self._settings.shares_redis:
                group.create_task(
                    broker.listen(
                        self._settings.redis_url,
                        "the channel of devices",
                        subscribe=self._subscribe_devices,
                        on_message=self._take,
                    )
                )

    async def _subscribe(self, channel: PubSub, client: redis.Redis) -> None:
        await channel.subscribe(stream.gateway_channel(self.gateway_id))
        if self._settings.shares_redis:
            await self._subscribe_devices(channel, client)
        self.connected, self._lost_at = True, None

    async def _subscribe_devices(self, channel: PubSub, client: redis.Redis) -> None:
        await channel.subscribe(presence.DEVICES)
        await self._read_known_devices(client)

    def _take(self, message: broker.Message) -> None:
        if message["type"] == "message":
            self._receive(message["channel"], message["data"])

    def _disconnect(self) -> None:
        if self.connected:
            self.connected, self._lost_at = False, asyncio.get_running_loop().time()

    async def _read_known_devices(self, client: redis.Redis) -> None:
        """Read the snapshots that devices published before this connection was subscribed."""
        keys = [key async for key in client.scan_iter(presence.device_key("*"), count=1000)]
        for body in await client.mget(keys) if keys else []:
            if body is not None:
                self._receive(presence.DEVICES.encode(), body)

    def _receive(self, channel: bytes, body: Any) -> None:
        now = asyncio.get_running_loop().time()
        try:
            if channel == presence.DEVICES.encode():
                self._routing_table.update(presence.decode(body), now)
            else:
                self._sort(stream.decode_packet(body), now)
        except msgspec.DecodeError as error:  # another version's, during an upgrade
            log.warning("a message on %r cannot be read: %s", channel, error)

    def _sort(self, packet: Packet, now: float) -> None:
        for frame in packet.frames:
            inbox = self.inboxes.get(frame.rid)
            if inbox is None:
                continue
            if not inbox.feed(frame, now):
                self._ask(inbox, now)
            if _says_lost(frame):
                self._routing_table.doubt(inbox.epoch)
        if packet.beats is not None:
            self._check(packet.epoch, packet.beats, now)

    def _check(self, epoch: str, beats: dict[str, int], now: float) -> None:
        unknown = []
        for rid, following in beats.items():
            inbox = self.inboxes.get(rid)
            if inbox is None:
                unknown.append(rid)
                continue
            inbox.seen_at = now
            if following > inbox.expected:
                self._ask(inbox, now)
        if unknown:
            self._background.once(self._control(epoch, Cancel(unknown)), "cancelling")

    def _ask(self, inbox: Inbox, now: float) -> None:
        """Ask for missing frames, but not again at every frame that comes after the gap."""
        if inbox.ended:
            return
        if inbox.gap_since is None:
            inbox.gap_since = now
            self.gaps += 1
        elif now - inbox.asked_at < ASK_EVERY_S:
            return
        inbox.asked_at = now
        self._background.once(self._control(inbox.epoch, Resend(inbox.rid, inbox.expected)), "asking again")

    async def _watch(self) -> None:
        """Look regularly for runners and devices that are silent.

        After this process itself has stood still, one look is left out: what came meanwhile must be read first.
        """
        clock = asyncio.get_running_loop().time
        before = clock()
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            now = clock()
            if now - before > LATE_S:
                log.warning("this gateway stood still for %.1f s", now - before)
            else:
                self._judge(now)
            before = now

    def _judge(self, now: float) -> None:
        if self._lost_at is not None and now - self._lost_at > RECONNECT_S:
            self.fail_all(BrokerUnavailable())
        self._routing_table.sweep(now)
        for inbox in list(self.inboxes.values()):
            if inbox.gap_since is not None and now - inbox.gap_since > GAP_S:
                inbox.fail(ReplicaLost("part of the answer was lost on its way"))
            elif now - inbox.seen_at > self._settings.silence_s:
                inbox.fail(ReplicaLost("the replica that serves this request does not answer any more"))
            elif inbox.gap_since is not None:
                self._ask(inbox, now)

    async def _leave(self, inbox: Inbox) -> None:
        await self._control(inbox.epoch, Cancel([inbox.rid]))
        with suppress(RedisError, OSError):
            pipeline = self._client.pipeline(transaction=False)
            for key in inbox.slots:
                pipeline.zrem(key, inbox.rid)
            await pipeline.execute()

    async def _control(self, epoch: str, message: stream.Control) -> None:
        with suppress(RedisError, OSError):
            await self._stream_client.publish(stream.control_channel(epoch), stream.encode(message))


def _says_lost(frame: Frame) -> bool:
    """Whether this frame, from a runner or its worker, says that the runner has ended.

    Only such a frame counts. What a gateway suspects by itself, because a runner is silent, does not.
    """
    return frame.kind == FrameKind.ERROR and stream.decode_error(frame.body).code == ReplicaLost.code
