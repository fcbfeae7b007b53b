"""The steward: ``python -m workers.steward``. It brings actual state to desired state: waiting replicas get
devices, replicas of lost devices wait again; jobs of lost workers are queued anew, batches fed, webhooks delivered.
Any number may run; the one that holds the lease acts."""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import redis
from redis.exceptions import RedisError
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from models.errors import DatabaseUnavailable, HeadraceError, ModelNotReady, NoDevice
from models.launching.placing import Placed
from models.ledger.placement.deciding import PARAM
from models.ledger.placement.rooms import NOTHING, Reported, reported
from models.process.logs import configure
from models.reasons import told
from models.redis import broker, presence
from models.rows import instances
from models.rows.database import Database
from models.rows.life import retries
from models.rows.records import PendingReplica
from models.rows.webhooks import webhook_secrets
from models.settings import Settings
from models.storage.artifacts import open_store
from models.storage.outbound import Outbound
from workers.steward.batch_feeder import BatchFeeder
from workers.steward.fleet import fleet_for
from workers.steward.residency.residents import Demand
from workers.steward.residency.room import by_need
from workers.steward.residency.turn import Residency
from workers.steward.sweeping import Tidying, move, publish_moved
from workers.steward.webhook_delivery import Deliverer
from workers.wakeups import hear, in_background

log = logging.getLogger("workers.steward")

LEASE = "steward"
LEASE_MS = 10_000
EVERY_S = 1.0
AWAY_S = 5.0
"""Between two looks at the database. After more than that, it was away, or we stood still."""
SETTLE_S = 8.0
"""After that, workers have this long to be seen and to renew their leases, before any of them counts as lost.

Where it took longer, they may have been off as well, and have as long to be seen, ``lost_ms`` at most.
"""
GONE_MS = 365 * 86_400_000
"""Who was not seen for so long is lost at once: an earlier `headrace up` of the machine had it, this one has not."""


def place_all(
    connection: Connection,
    silent: Collection[str] = (),
    reports: Reported = NOTHING,
    demands: Mapping[str, Demand] = MappingProxyType({}),
    freeing: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[str]:
    """Give every waiting replica a device that fits, where there is one; the devices that got something.

    ``silent``: devices that neither the database nor Redis has heard for long; who is not back by now loses its
    replicas. ``reports``: what workers say. ``demands``: what waits for each model; those come first that are waited
    for. ``freeing``: the devices on which room is made for a replica that waits, which nobody takes who comes after it.
    What each takes is reserved in the same transaction, of which the lease lets one steward have one at a time.
    """
    found = instances.alive_devices(connection, instances.ALIVE_MS)
    lost = {row.id for row in found if row.details.get("gone")}
    lost |= set(silent) - {row.id for row in found}
    if lost and instances.release(connection, lost):
        found = instances.alive_devices(connection, instances.ALIVE_MS)
    retries.revive(connection)
    waiting = instances.pending(connection)
    if not waiting:
        return []
    replicas = instances.replicas_of(connection)
    fleet = fleet_for(connection, waiting, found, replicas, reports)
    given: list[str] = []
    promised: set[str] = set()
    for replica in by_need(waiting, demands):
        decision = fleet.decide(replica)
        if not promised.isdisjoint(decision.placed.devices):
            decision = fleet.decide(replica, promised)
            if not decision.placed.devices:
                _hold_back(connection, replica, Placed((), PROMISED))
                continue
        if not decision.placed.devices:
            promised.update(freeing.get(replica.id, ()))
            _hold_back(connection, replica, decision.placed)
            continue
        owner, *others = decision.placed.devices
        if instances.place(connection, replica.id, owner, others, decision.reserved):
            fleet.take(replica, decision)
            given.append(owner)
    return given


PROMISED = told("room is being made for another model, which comes first", "room_promised")


def _hold_back(connection: Connection, replica: PendingReplica, choice: Placed) -> None:
    """Record why it waits, where that is news."""
    why = NoDevice(choice.reason, param=choice.param) if choice.hopeless else ModelNotReady(choice.reason)
    before = HeadraceError.from_row(replica.error)
    if (why.code, why.param) != (before.code, before.param):
        log.info("replica %s waits: %s", replica.id, choice.reason)
    elif why.message == before.message or (choice.hopeless and choice.param == PARAM):
        return  # what is free changes all the time: where there is no hope, that makes no difference
    instances.hold_back(connection, replica.id, why, tell=(why.code, why.param) != (before.code, before.param))


class Steward:
    """The loop, and the lease that lets one of several act."""

    def __init__(
        self,
        database: Database,
        client: redis.Redis,
        stream_client: redis.Redis,
        residency: Residency | None = None,
        *,
        lost_ms: int = 60_000,
    ) -> None:
        """``residency``: who decides which models stay loaded; None: all do.

        ``lost_ms``: how long a device must be silent to be lost, while this steward looks.
        """
        self.over = threading.Event()
        self.wake = threading.Event()
        self.leads = threading.Event()
        self._database = database
        self._client = client
        self._lost_ms = lost_ms
        self._stream_client = stream_client
        self._residency = residency
        self._said = ""  # what last went wrong there
        self._looked_at = self._judges_at = time.monotonic()
        self._misses_at = self._looked_at + lost_ms / 1000
        self._owner = f"{socket.gethostname()}:{os.getpid()}"

    def run(self) -> None:
        """Reconcile until ``over`` is set."""
        while not self.over.is_set():
            try:
                for device in self._turn():
                    self._client.publish(presence.device_channel(device), b"")
                if self.leads.is_set() and self._judges():
                    publish_moved(self._stream_client, self._database.call(move))
                    self._reside()
            except (SQLAlchemyError, RedisError, DatabaseUnavailable) as error:
                log.warning("cannot reconcile, trying again: %s", error)
            self.wake.wait(EVERY_S)
            self.wake.clear()
        try:
            self._database.call(instances.drop_lease, LEASE, self._owner)
        except (SQLAlchemyError, DatabaseUnavailable) as error:
            log.warning("cannot give the lease back: %s", error)

    def _reside(self) -> None:
        """Decide who stays loaded. Whatever goes wrong there, what waits is placed where there is room."""
        if self._residency is None:
            return
        try:
            self._residency.turn()
        except (SQLAlchemyError, RedisError, DatabaseUnavailable):
            raise
        except Exception as error:  # placement must not depend on it
            said, self._said = self._said, repr(error)
            if said != self._said:  # once, not once a second
                log.exception("cannot decide which models stay loaded, trying again")
            self._residency.forget()
        else:
            self._said = ""

    def _turn(self) -> list[str]:
        """Place what waits, where this steward leads; the devices that got something.

        Redis is asked between the transactions: while it does not answer, nobody waits for the database.
        """
        here, unseen = self._database.read(self._look)
        silent, reports = self._heard(here, unseen)
        return self._database.call(self._place, silent, reports)

    def _look(self, connection: Connection) -> tuple[list[str], list[str]]:
        """The devices that are here, and those with replicas that were not seen for long.

        That somebody looked for them for as long is part of it: after a start, all may have been off.
        """
        now = time.monotonic()
        if (away_s := now - self._looked_at) > AWAY_S:
            self._judges_at = now + SETTLE_S
            self._misses_at = max(self._misses_at, self._judges_at, now + min(away_s, self._lost_ms / 1000))
        self._looked_at = now
        here = [row.id for row in instances.alive_devices(connection, instances.ALIVE_MS)]
        silence_ms = self._lost_ms if now >= self._misses_at else GONE_MS
        return here, instances.lost_devices(connection, silence_ms)

    def _place(self, connection: Connection, silent: Collection[str], reports: Reported) -> list[str]:
        if not instances.hold_lease(connection, LEASE, self._owner, LEASE_MS):
            self.leads.clear()
            return []
        self.leads.set()
        seen = self._residency
        last = (seen.demands, seen.freeing) if seen else ()
        return place_all(connection, silent, reports, *last)

    def _judges(self) -> bool:
        """Whether workers had the time to renew their leases since the database was last away."""
        return time.monotonic() >= self._judges_at

    def _heard(self, here: Sequence[str], unseen: Sequence[str]) -> tuple[Collection[str], Reported]:
        """Of the unseen devices those that Redis does not hear either, and what the workers of the others report.

        Those that report to Redis serve requests: it is the database alone that they do not reach.
        """
        keys = [presence.device_key(one) for one in (*here, *unseen)]
        try:
            found = self._client.mget(keys) if keys else []
        except RedisError as error:
            log.warning("cannot tell which devices are lost, nor what they have free: %s", error)
            return (), NOTHING
        silent = [one for one, said in zip(unseen, found[len(here) :], strict=True) if said is None]
        return silent, reported(found[: len(here)])


def main() -> None:
    """Be the steward until told to stop."""
    settings = Settings()
    configure(settings.log_level)
    if not settings.redis_url:
        sys.exit("headrace steward: HEADRACE_REDIS_URL is not set")
    client = broker.command_client(settings.redis_url)
    database = Database(settings.database)
    telling = broker.command_client(settings.stream_redis)
    residency = Residency(settings, database, client)
    steward = Steward(database, client, telling, residency, lost_ms=int(settings.lost_s * 1000))
    store = open_store(settings.artifacts)

    try:
        deliverer = Deliverer(database, Outbound(settings.outbound_allow), webhook_secrets(settings))
    except ValueError as error:
        sys.exit(f"headrace steward: {error}")
    lines, due = threading.Event(), threading.Event()

    def wake() -> None:
        for one in (steward.wake, lines, due):
            one.set()

    def stop(*_: Any) -> None:
        steward.over.set()
        wake()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    in_background(hear, settings.redis_url, presence.STEWARD, wake)
    in_background(Tidying(settings, database, store).run, steward.over, steward.leads)
    batching = BatchFeeder(settings, database, store, client)
    in_background(batching.run, steward.over, steward.leads, lines)
    delivering = threading.Thread(target=deliverer.run, args=(steward.over, due), name="webhooks")
    delivering.start()
    steward.run()
    delivering.join()  # it takes some seconds at most


if __name__ == "__main__":
    main()
