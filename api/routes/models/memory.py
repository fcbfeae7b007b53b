"""What devices have free for a launch, and the refusal of one for which none has room."""

from collections.abc import Sequence

from api.gateway.gateway import Gateway
from models.engines import FACTS
from models.errors import NoDevice
from models.launching.peek import Peek
from models.launching.placing import Wish, candidate, fitting
from models.ledger.estimate import estimate
from models.ledger.fit import Room, refusal
from models.ledger.headers import Headers
from models.ledger.look import headers_if_any
from models.ledger.need import Need, Target
from models.rows.instances import NewInstance
from models.rows.records import LoadedDevice
from models.rows.states import ReplicaState

HEADERS_S = 5.0
"""How long the headers of a launch's weights may take to be read, before the launch goes on without an estimate."""


def devices_for(devices: Sequence[LoadedDevice], new: NewInstance) -> list[LoadedDevice]:
    """The devices on which the launch may be placed, of the kind that it gets."""
    found = fitting(wish_of(new), [candidate(one, one.load) for one in devices])
    return [one for one in devices if one.id in found]


def wish_of(new: NewInstance) -> Wish:
    """What a launch says of devices."""
    return Wish(new.engine, new.n_gpu, tuple(new.gpu_idx or ()))


def target_of(engine: str, device: LoadedDevice) -> Target:
    """The kind of device that an engine computes on where it is placed on this one."""
    kind = "cpu" if FACTS[engine].cpu_only else device.kind
    return Target(kind, kind != "cuda" or float(device.details.get("capability") or 0) >= 8)


def room_of(gateway: Gateway, device: LoadedDevice) -> Room:
    """What a device has, and what of it ready models hold that answer nothing now."""
    shared = device.kind != "cpu" and bool(device.details.get("shares_memory"))
    unsure = shared or device.details.get("fault") or not device.total_bytes
    idle: dict[str, int] = {}
    for where, one in gateway.routing_table.replicas():
        if where == device.id and one.state == ReplicaState.READY and not one.inflight and one.memory_bytes:
            idle[one.uid] = idle.get(one.uid, 0) + one.memory_bytes
    free = None if unsure else gateway.routing_table.free_bytes(device.id)
    return Room(device.id, device.node, device.total_bytes, free, idle)


def per_device(
    gateway: Gateway, devices: Sequence[LoadedDevice], new: NewInstance, headers: Headers | None
) -> list[tuple[Need, Room]]:
    """What the model needs on each device, and what that has."""
    return [
        (estimate(new.engine, headers, new.options, target_of(new.engine, one)), room_of(gateway, one))
        for one in devices
    ]


async def refuse_too_large(
    gateway: Gateway, devices: Sequence[LoadedDevice], new: NewInstance, seen: Peek | None
) -> None:
    """Raise NoDevice, with the numbers, where no device has the memory that the model takes for certain.

    Raises InvalidRequest where the header of a file of weights is not as it should be.
    """
    there = devices_for(devices, new)
    now = bool(there) and not new.load_on_request
    if seen is None or (seen.remote and not now):
        return
    half = any(one.kind != "cpu" for one in there)
    headers = await gateway.blocking(_headers, new, seen, half)
    if headers is None or not now:
        return
    found = per_device(gateway, there, new, headers)
    rooms = [room for _, room in found]
    least = min((need for need, _ in found), key=lambda need: need.certain)
    if why := refusal(new.uid, least, rooms, wish_of(new).count):
        raise NoDevice(why, param="model_path")


def _headers(new: NewInstance, seen: Peek, half: bool) -> Headers | None:
    return headers_if_any(new, seen, half=half, within_s=HEADERS_S)
