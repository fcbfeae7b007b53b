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
from redis.exceptions import RedisError

from api.gateway.inbox import Inbox
from api.gateway.routing_table import RoutingTable
from models.errors import BrokerUnavailable, HeadraceError, ReplicaLost
from models.redis import broker, presence, stream
from models.redis.stream import Cancel, Packet, Resend
from models.settings import Settings

log = logging.getLogger(__name__)

RECONNECT_S = 2.0
"""Streams survive a lost connection that is back within this time; their gaps are filled by resends."""
ASK_EVERY_S = 0.5
GAP_S = 3.0
"""A gap that is not filled for this long is a lost stream. Asked for several times: asking can be lost too."""


class Replies:
    """All inboxes of this gateway, by request id."""

    def __init__(self, settings: Settings, client: redis.Redis) -> None:
        self.gateway_id = secrets.token_hex(8)
        self.routing_table = RoutingTable(settings.silence_s, self.lose)
        self.inboxes: dict[str, Inbox] = {}
        self.gaps = 0
        self.connected = False
        self._settings = settings
        self._client = client
        self._lost_at: float | None = None
        self._chores: set[asyncio.Task[Any]] = set()

    def open(self, inbox: Inbox) -> None:
        """From now on frames of this request are kept."""
        self.inboxes[inbox.rid] = inbox

    def close(self, inbox: Inbox) -> None:
        """The request is over here. A runner that still holds it is told, and its slots are given back."""
        if self.inboxes.pop(inbox.rid, None) is not None and inbox.closing is None:
            self._later(self._leave(inbox))

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
        watching = asyncio.create_task(self._watch())
        try:
            while True:
                try:
                    await self._listen()
                except (RedisError, OSError) as error:
                    log.warning("the reply channel is lost: %s", error)
                if self.connected:
                    self.connected, self._lost_at = False, asyncio.get_running_loop().time()
                await asyncio.sleep(0.1)
        finally:
            watching.cancel()

    async def _listen(self) -> None:
        """One connection's life."""
        client = broker.listening_async(self._settings.stream_redis)
        try:
            channel = client.pubsub(ignore_subscribe_messages=False)
            await channel.subscribe(stream.gateway_channel(self.gateway_id), presence.DEVICES)
            await self._greet(client)
            self.connected, self._lost_at = True, None
            while True:
                message = await channel.get_message(timeout=None)
                if message is not None and message["type"] == "message":
                    self._hear(message["channel"], message["data"])
        finally:
            with suppress(RedisError, OSError):
                await client.aclose()

    async def _greet(self, client: redis.Redis) -> None:
        """Learn of the devices that reported before we listened."""
        keys = [key async for key in client.scan_iter(presence.device_key("*"), count=1000)]
        for body in await client.mget(keys) if keys else []:
            if body is not None:
                self._hear(presence.DEVICES.encode(), body)

    def _hear(self, channel: bytes, body: Any) -> None:
        now = asyncio.get_running_loop().time()
        try:
            if channel == presence.DEVICES.encode():
                self.routing_table.hear(presence.decode(body), now)
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
            if isinstance(inbox.error, ReplicaLost):
                self.routing_table.doubt(inbox.epoch)
        if packet.beats is not None:
            self._check(packet.epoch, packet.beats, now)

    def _check(self, epoch: str, beats: dict[str, int], now: float) -> None:
        unknown = []
        for rid, following in beats.items():
            inbox = self.inboxes.get(rid)
            if inbox is None:
                unknown.append(rid)
                continue
            inbox.heard_at = now
            if following > inbox.expected:
                self._ask(inbox, now)
        if unknown:
            self._later(self._control(epoch, Cancel(unknown)))

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
        self._later(self._control(inbox.epoch, Resend(inbox.rid, inbox.expected)))

    async def _watch(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(0.25)
            now = clock()
            if self._lost_at is not None and now - self._lost_at > RECONNECT_S:
                self.fail_all(BrokerUnavailable())
            self.routing_table.sweep(now)
            for inbox in list(self.inboxes.values()):
                if inbox.gap_since is not None and now - inbox.gap_since > GAP_S:
                    inbox.fail(ReplicaLost("part of the answer was lost on its way"))
                elif now - inbox.heard_at > self._settings.silence_s:
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

    def _later(self, chore: Any) -> None:
        """Run it on its own: the task that asks for it may be about to be cancelled."""
        running = asyncio.get_running_loop().create_task(chore)
        self._chores.add(running)
        running.add_done_callback(self._chores.discard)
