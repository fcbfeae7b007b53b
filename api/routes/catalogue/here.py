"""What is on this machine, as the catalogue's routes ask for it."""

from collections.abc import Sequence

from api.gateway.gateway import Gateway
from api.routes.models.memory import device_here, rooms_of
from models.hubs.holdings import Held, held
from models.ledger.ways import DeviceHere
from models.rows import instances


async def devices_here(gateway: Gateway) -> Sequence[DeviceHere]:
    """The devices whose workers live."""
    devices = await gateway.database.look(instances.alive_devices, instances.ALIVE_MS)
    found = await rooms_of(gateway, devices)
    return [device_here(found[one.id], one) for one in devices]


async def held_here(gateway: Gateway) -> Held:
    """What was fetched from hubs onto the gateway's machine. Raises Unavailable where the disk does not answer."""
    return await gateway.looking(held, gateway.settings.home / "models")
