"""What is on this machine, and what a name means on it, as the routes of the catalogue and of engines ask for it."""

from collections.abc import Sequence

from api.gateway.gateway import Gateway
from api.routes.models.memory import device_here, rooms_of
from models.catalogue.names import Named, named
from models.catalogue.shipped import shipped_family
from models.engines import ModelType
from models.errors import ModelNotFound
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


def named_here(name: str, model_type: ModelType | None, own: Sequence[str]) -> Named:
    """What a name means that nobody has registered: what comes with Headrace goes before the catalogue.

    ``own``: names that are registered, which are suggested, too. Raises ModelNotFound.
    """
    if shipped := shipped_family(name, model_type):
        return Named(shipped, shipped.specs)
    try:
        return named(name, model_type, own)
    except ModelNotFound as error:
        raise ModelNotFound(error.message, param="name") from None
