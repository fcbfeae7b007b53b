"""Finds the model that a path names."""

from api.gateway.gateway import Gateway
from models.catalogue.names import is_known
from models.errors import ModelNotFound
from models.launching.launch import was_uid
from models.rows import instances
from models.rows.records import InstanceRow, ReplicaRow

MOST_NAME = 100
"""Characters of a name that is looked for in the catalogue."""


async def found(gateway: Gateway, uid: str) -> tuple[InstanceRow, list[ReplicaRow]]:
    """The model of this uid, and its replicas. Raises ModelNotFound."""
    row = await gateway.database.look(instances.get, uid) if was_uid(uid) else None
    if row is None:
        raise ModelNotFound(f"the model '{uid[:100]}' does not exist", param="uid")
    return row, await gateway.database.look(instances.replicas_of, uid)


async def found_or_how(gateway: Gateway, uid: str) -> tuple[InstanceRow, list[ReplicaRow]]:
    """The same for people: of a name that the catalogue has, ModelNotFound says how it is launched."""
    try:
        return await found(gateway, uid)
    except ModelNotFound as error:
        if len(uid) > MOST_NAME or not await gateway.blocking(is_known, uid):
            raise
        how = f"it is in the catalogue, and was not launched (headrace launch -n {uid})"
        raise ModelNotFound(f"{error.message}: {how}", param="uid") from None
