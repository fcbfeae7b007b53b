"""What one gateway process holds while it runs."""

from contextlib import suppress
from dataclasses import dataclass

import redis.asyncio as redis
from fastapi import Request
from redis.exceptions import RedisError

from api.dispatch import Dispatcher
from api.replies import Replies
from api.roster import Roster
from models.database import Database
from models.presence import device_channel
from models.settings import Settings


@dataclass(frozen=True)
class Gateway:
    """The parts of a running gateway."""

    settings: Settings
    database: Database
    client: redis.Redis
    replies: Replies
    dispatcher: Dispatcher
    roster: Roster

    async def publish(self, channel: str) -> None:
        """Wake whoever listens there. Everybody polls too, so a lost wake-up is no loss."""
        with suppress(RedisError, OSError):
            await self.client.publish(channel, b"")

    async def wake_devices(self) -> None:
        """Wake the workers of all devices."""
        for device in self.replies.fleet.devices():
            await self.publish(device_channel(device))


def gateway_of(request: Request) -> Gateway:
    """The gateway that serves this request."""
    found: Gateway = request.app.state.gateway
    return found
