"""Admission: the bounds on a request, and the one Redis call that checks them and puts it into its device's queue."""

from collections.abc import Callable

import redis.asyncio as redis
from redis.exceptions import RedisError

from api.edge.caller import Caller
from api.gateway.placement import retry_after
from models.errors import BrokerUnavailable, Overloaded, RateLimited
from models.redis import queue
from models.redis.presence import Replica
from models.redis.queue import Slots


class Admission:
    """Admits requests, and measures how long those of each model take."""

    def __init__(self, client: redis.Redis, *, device_cap: int, room: Callable[[], int]) -> None:
        """``room``: how many requests all ready replicas hold. A key whose caller has no bound may have as many."""
        self._admit = client.register_script(queue.ADMIT)
        self._device_cap = device_cap
        self._room = room
        self._service_s: dict[str, float] = {}

    def slots(self, device: str, replica: Replica, caller: Caller) -> list[Slots]:
        """The bounded sets that a request is counted in: its caller's, its device's, its replica's."""
        of_key = self._room() if caller.limits.concurrency is None else caller.limits.concurrency
        return [
            Slots(queue.key_slots(caller.key or "anonymous"), of_key),
            Slots(queue.device_slots(device), self._device_cap),
            Slots(queue.replica_slots(replica.epoch), replica.max_inflight + replica.max_waiting),
        ]

    async def enqueue(
        self,
        message: bytes,
        rid: str,
        deadline: int,
        *,
        device: str,
        replica: Replica,
        slots: list[Slots],
        instead_of: str = "",
    ) -> bool:
        """Put the message on the device's queue if every set has room. ``deadline``: Unix time in ms.

        ``instead_of``: the request that this one replaces, whose place it takes in the sets that both are counted in.

        Returns False where the replica is about to be unloaded, which nobody may have reported yet. Raises RateLimited
        when the key's set is full, Overloaded when the device's or the replica's is, and BrokerUnavailable when Redis
        does not answer.
        """
        keys = [queue.queue_name(device), queue.leaving_mark(replica.epoch), *(one.key for one in slots)]
        arguments: list[bytes | str | int] = [message, rid, deadline, instead_of, *(one.cap for one in slots)]
        try:
            full, *counts = await self._admit(keys=keys, args=arguments)
        except (RedisError, OSError) as error:
            raise BrokerUnavailable(retry_after=2) from error
        if full <= 0:
            return not full
        wait = retry_after(counts[0], self._service_s.get(replica.uid, 1.0), replica.max_inflight)
        if full == 1:
            raise RateLimited(f"{counts[0]} requests are in flight under this key", retry_after=wait)
        where = "device" if full == 2 else "model"
        raise Overloaded(f"the {where} is full: {counts[0]} requests are in flight or waiting", retry_after=wait)

    def learn(self, uid: str, seconds: float) -> None:
        """Take note that a request of this model took so long; ``Retry-After`` is computed from the moving average."""
        before = self._service_s.get(uid, seconds)
        self._service_s[uid] = 0.8 * before + 0.2 * seconds
