"""Finds the model that a path names."""

from api.gateway.gateway import Gateway
from models.errors import ModelNotFound
from models.launching.launch import was_uid
from models.rows import instances
from models.rows.records import InstanceRow, ReplicaRow


async def found(gateway: Gateway, uid: str) -> tuple[InstanceRow, list[ReplicaRow]]:
    """The model of this uid, and its replicas. Raises ModelNotFound."""
    row = await gateway.database.look(instances.get, uid) if was_uid(uid) else None
    if row is None:
        raise ModelNotFound(f"the model '{uid[:100]}' does not exist", param="uid")
    return row, await gateway.database.look(instances.replicas_of, uid)
