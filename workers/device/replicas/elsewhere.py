"""Whether a replica that a device has failed is tried on another one, before its load counts as given up."""

import logging
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.errors import HeadraceError, HubUnreachable, WeightsNotHere
from models.launching.placing import candidate
from models.launching.wishes.places import wish_at
from models.ledger.placement.deciding import Offer, decide
from models.ledger.placement.measuring import keys_of, need_of
from models.ledger.placement.rooms import NOTHING, rooms
from models.reasons import joined, told
from models.rows import instances
from models.rows.instances import HELD, UNPLACED
from models.rows.life import events, measured
from models.rows.life.events import EventKind
from models.rows.life.scaling import number_of
from models.rows.records import InstanceRow, LoadedDevice, ReplicaRow
from models.rows.tables import replicas

log = logging.getLogger(__name__)


def failed_by(
    device: str, error: HeadraceError, before: Mapping[str, str] | None, devices: list[LoadedDevice]
) -> dict[str, str] | None:
    """The devices that have failed a replica, and why, this one included; None where others would fail it likewise.

    A launch that is at fault itself fails everywhere, but weights that one machine has not, or cannot reach, another
    may have. Pure.
    """
    if isinstance(error, WeightsNotHere | HubUnreachable):
        node = next((one.node for one in devices if one.id == device), "")
        failed = [one.id for one in devices if one.node == node] or [device]
    elif error.status < 500:
        return None
    else:
        failed = [device]
    return {**(before or {}), **dict.fromkeys(failed, error.message[:500])}


def move_on(connection: Connection, replica: str, device: str, error: HeadraceError) -> bool:
    """Have a replica placed anew where a device that has not failed it will do; False where none is left."""
    row = next((one for one in instances.of_device(connection, device) if one.id == replica), None)
    instance = instances.get(connection, row.uid) if row else None
    if row is None or instance is None or row.state not in HELD:
        return False
    devices = instances.alive_devices(connection, instances.ALIVE_MS)
    tried = failed_by(device, error, row.tried, devices)
    if tried is None or not _is_left(connection, row, instance, [one for one in devices if one.id not in tried]):
        return False
    mine = (replicas.c.id == replica, replicas.c.device == device, replicas.c.state.in_(HELD))
    values = UNPLACED | {"tried": tried, "stage": "waiting", "progress": 0.0, "error": error.to_row()}
    if not connection.execute(sa.update(replicas).where(*mine).values(**values)).rowcount:
        return False
    text = joined("; ", (error.told, told("another device is tried", "tried_elsewhere")))
    events.tell(connection, row.uid, EventKind.FAILED, text, replica=replica, by=device, data={"tried": sorted(tried)})
    return True


def _is_left(connection: Connection, row: ReplicaRow, instance: InstanceRow, devices: list[LoadedDevice]) -> bool:
    """Whether one of these devices has the room now."""
    held = rooms(devices, instances.replicas_of(connection), NOTHING)
    wish = wish_at(instance, number_of(row.id))
    took = measured.recall(connection, keys_of([(instance, wish.count)], devices))
    offers = [
        Offer(candidate(one, one.load), held[one.id], need_of(instance, one, wish.count, took)) for one in devices
    ]
    return bool(decide(row.uid, wish, offers, {}).placed.devices)
