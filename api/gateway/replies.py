"""The gateway's ear: ONE pub/sub connection, subscribed before any request, that feeds every inbox and the fleet.

It also watches: an inbox whose runner is silent is failed, a gap is asked for, and beats for requests that
nobody here knows are answered with a cancel.
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
"""Streams survive a lost connection that is back within this time; their gaps are filled by resends."""
ASK_EVERY_S = 0.5
GAP_S = 3.0
"""A gap that is not filled for this long is a lost stream. Asked for several times: asking can be lost too."""
WATCH_EVERY_S = 0.25
LATE_S = 1.0
"""A turn of the watch that comes this long after the one before it says that this process stood still."""


class Replies:
    """All inboxes of this gateway, by request id."""

    def __init__(self, settings: Settings, client: redis.Redis, routing_table: RoutingTable) -> None:
        self.gateway_id = secrets.token_hex(8)
        self.inboxes: dict[str, Inbox] = {}
        self.gaps = 0
        self.connected = False
        self._settings = settings
        self._client = client
        self._routing_table = routing_table
        self._lost_at: float | None = None
        self._background = Background()

    def open(self, inbox: Inbox) -> None:
        """From now on frames of this request are kept."""
        self.inboxes[inbox.rid] = inbox

    def close(self, inbox: Inbox) -> None:
        """The request is over here. A runner that still holds it is told, and its slots are given back."""
        if self.inboxes.pop(inbox.rid, None) is not None and inbox.closing is None:
            self._background.once(self._leave(inbox), "leaving a runner")

    def lose(self, epoch: str) -> None:
        """A runner is gone, and its requests with it."""
        for inbox in [one for one in self.inboxes.values() if one.epoch == epoch]:
            inbox.fail(ReplicaLost())

    def fail_all(self, error: HeadraceError) -> None:
        """End everything that is open with this error."""
        for inbox in list(self.inboxes.values()):
            inbox.fail(error)

    async def run(self) -> None:
        """Listen for ever, over any number of connections."""
        async with asyncio.TaskGroup() as group:  # without either of the two the gateway is deaf
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

    async def _subscribe(self, channel: PubSub, client: redis.Redis) -> None:
        await channel.subscribe(stream.gateway_channel(self.gateway_id), presence.DEVICES)
        await self._greet(client)
        self.connected, self._lost_at = True, None

    def _take(self, message: broker.Message) -> None:
        if message["type"] == "message":
            self._receive(message["channel"], message["data"])

    def _disconnect(self) -> None:
        if self.connected:
            self.connected, self._lost_at = False, asyncio.get_running_loop().time()

    async def _greet(self, client: redis.Redis) -> None:
        """Learn of the devices that reported before we listened."""
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
        """Frames are missing: ask for them, but not at every frame that follows the gap."""
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
        """Judge who is silent. A turn that came late itself judges nobody: what they said is not read yet."""
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
                inbox.fail(ReplicaLost("nothing is heard of the replica that serves this request"))
            elif inbox.gap_since is not None:
                self._ask(inbox, now)

    async def _leave(self, inbox: Inbox) -> None:
        with suppress(RedisError, OSError):
            pipeline = self._client.pipeline(transaction=False)
            pipeline.publish(stream.control_channel(inbox.epoch), stream.encode(Cancel([inbox.rid])))
            for key in inbox.slots:
                pipeline.zrem(key, inbox.rid)
            await pipeline.execute()

    async def _control(self, epoch: str, message: stream.Control) -> None:
        with suppress(RedisError, OSError):
            await self._client.publish(stream.control_channel(epoch), stream.encode(message))


def _says_lost(frame: Frame) -> bool:
    """Whether a runner, or its worker for it, says that it is gone. What a gateway suspects is no such word."""
    return frame.kind == FrameKind.ERROR and stream.decode_error(frame.body).code == ReplicaLost.code
