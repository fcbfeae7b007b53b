"""What devices have free for a launch, and the refusal of one for which none has room."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.engine import Connection

from api.gateway.gateway import Gateway
from api.routes.models.preparing import PreparedLaunch
from models.errors import InvalidRequest, NoDevice, UnsupportedParameter
from models.launching.peek import Peek
from models.launching.placing import Wish, candidate, fitting
from models.launching.wishes.places import param_of, wish_at, wishes
from models.ledger.fit import Room
from models.ledger.headers import Headers
from models.ledger.look import headers_if_any
from models.ledger.need import Need, Target
from models.ledger.placement.deciding import PARAM, Decision, Offer, decide
from models.ledger.placement.files import nodes_with
from models.ledger.placement.measuring import keys_of, need_of
from models.ledger.placement.needs import needs_of
from models.ledger.placement.rooms import Reported, rooms
from models.ledger.ways import DeviceHere, is_shaped, too_large
from models.rows import instances
from models.rows.instances import NewInstance
from models.rows.life import measured
from models.rows.records import LoadedDevice, ReplicaRow
from models.rows.residency import demand

HEADERS_S = 5.0
"""How long the headers of a launch's weights may take to be read, before the launch goes on without an estimate."""


def devices_for(devices: Sequence[LoadedDevice], new: NewInstance) -> list[LoadedDevice]:
    """The devices on which the launch may be placed, of the kind that it gets."""
    candidates = [candidate(one, one.load) for one in devices]
    found = frozenset().union(*(fitting(wish, candidates) for _, wish in wishes(new)))
    return [one for one in devices if one.id in found]


def wish_of(new: NewInstance) -> Wish:
    """What a launch says of the devices of its first replica."""
    return wish_at(new, 0)


def reported_to(gateway: Gateway) -> Reported:
    """What workers report to this gateway."""
    table = gateway.routing_table
    free = {device: bytes_ for device in table.devices() if (bytes_ := table.free_bytes(device)) is not None}
    return Reported(free, {one.id: one for _, one in table.replicas()})


async def rooms_of(gateway: Gateway, devices: Sequence[LoadedDevice]) -> dict[str, Room]:
    """What each device has, and who holds it."""
    replicas, pinned = await gateway.database.look(_held)
    return rooms(devices, replicas, reported_to(gateway), pinned)


async def needs(
    gateway: Gateway, devices: Sequence[LoadedDevice], new: NewInstance, seen: Peek | None
) -> Mapping[str, Need] | None:
    """What the launch needs on each kind of device; None where its weights cannot be seen from here.

    No hub is asked for what is loaded later. Raises InvalidRequest where the header of a file of weights is not as it
    should be.
    """
    headers = None
    if new.source:
        if seen is None or (seen.remote and new.load_on_request):
            return None
        half = any(one.kind != "cpu" for one in devices_for(devices, new))
        headers = await gateway.looking(_headers, new, seen, half, on_hub=seen.remote)
        if headers is None:
            return None
    return needs_of(new.engine, headers, new.options)


async def took(gateway: Gateway, devices: Sequence[LoadedDevice], new: NewInstance) -> Mapping[str, int]:
    """What such a model took of such devices before, by ``models.ledger.placement.measuring``'s keys."""
    return await gateway.database.look(
        measured.recall, keys_of([(new, wish.count) for _, wish in wishes(new)], devices)
    )


async def nodes_that_have(gateway: Gateway, devices: Sequence[LoadedDevice], new: NewInstance) -> frozenset[str]:
    """The nodes that have the files of a launch."""
    return nodes_with(new.source, devices, await gateway.database.look(demand.loaded_at))


def decision(
    devices: Sequence[LoadedDevice],
    new: NewInstance,
    found: Mapping[str, Room],
    before: Mapping[str, int],
    nodes: Collection[str] = (),
) -> Decision:
    """Where the first replica of a launch would go, whose needs are known; of several places the worst off.

    ``before``: as ``took`` has it; ``nodes``: those that have the files. A parameter at fault is of the launch.
    """
    made = []
    for number, wish in wishes(new):
        offers = [
            Offer(candidate(one, one.load, nodes), found[one.id], need_of(new, one, wish.count, before))
            for one in devices
        ]
        one = decide(new.uid, wish, offers, {})
        made.append(one._replace(placed=one.placed._replace(param=param_of(new, number, one.placed.param))))
    return max(made, key=lambda one: (one.placed.hopeless, not one.possible, not one.placed.devices))


async def refuse_without_room(gateway: Gateway, devices: Sequence[LoadedDevice], new: NewInstance) -> None:
    """Raise NoDevice where no device that is here has the room for a launch, with the numbers.

    One that is loaded when it is asked for is refused only where no device is as large. Raises InvalidRequest where
    there is no such node, UnsupportedParameter where no device can serve the launch for another reason.
    """
    nodes = sorted({one.node for one in devices})
    for number, wish in wishes(new):
        if wish.node and wish.node not in nodes:
            there = ", ".join(nodes) or "none that reports"
            raise InvalidRequest(
                f"there is no node '{wish.node}'; there is {there}", param=param_of(new, number, "node")
            )
    made = decision(devices, new, await rooms_of(gateway, devices), await took(gateway, devices, new))
    placed = made.placed
    if placed.hopeless and placed.param != PARAM:
        raise UnsupportedParameter(placed.reason, param=placed.param)
    if placed.hopeless or not (made.possible or new.load_on_request):
        raise NoDevice(placed.reason, param=PARAM)


async def refuse_by_name(gateway: Gateway, launch: PreparedLaunch) -> None:
    """Raise NoDevice where weights that a name means are too large for every device that the launch may have.

    For those of which no header can be read from here: the catalogue says how many parameters they have.
    """
    plan, new = launch.plan, launch.new
    if plan is None or is_shaped(new.options):
        return
    for _, wish in wishes(new):
        devices = [one for one in launch.devices if one.kind in wish.kinds and wish.node in ("", one.node)]
        found = await rooms_of(gateway, devices)
        here = [device_here(found[one.id], one) for one in devices]
        why = too_large(plan.family, plan.size, plan.model_format, plan.quantization, new.engine, here)
        if why:
            raise NoDevice(why, param=PARAM)


def device_here(room: Room, device: LoadedDevice) -> DeviceHere:
    """A device as a way to launch a model is judged by it."""
    bfloat16 = device.kind != "cuda" or float(device.details.get("capability") or 0) >= 8
    return DeviceHere(room, Target(device.kind, bfloat16), device.told)


def _held(connection: Connection) -> tuple[list[ReplicaRow], set[str]]:
    return instances.replicas_of(connection), demand.pinned(connection)


def _headers(new: NewInstance, seen: Peek, half: bool) -> Headers | None:
    return headers_if_any(new, seen, half=half, within_s=HEADERS_S)
