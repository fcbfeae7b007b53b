"""A launch under a uid that a model has already: whether it takes that one's place, and else what is said. Pure."""

from collections.abc import Collection

from models.errors import Conflict
from models.rows.records import ReplicaRow
from models.rows.states import ReplicaState


def is_over(replicas: Collection[ReplicaRow], hopeless: Collection[str]) -> bool:
    """Whether no replica will be ready: each has failed, or waits for a device that is not here."""
    return bool(replicas) and all(row.state == ReplicaState.FAILED or row.id in hopeless for row in replicas)


def replaceable(replicas: Collection[ReplicaRow], hopeless: Collection[str], *, served: bool) -> bool:
    """Whether another launch may take the place of this one: it has failed, also where it is tried again just now.

    ``served``: it was ready once. Replicas that sleep count where they have served; those that leave do not.
    """
    asleep = {ReplicaState.STOPPING} if served else {ReplicaState.STOPPING, ReplicaState.DORMANT}
    tried = [row for row in replicas if row.state not in asleep]
    return bool(tried) and all(row.id in hopeless or _has_failed(row, served=served) for row in tried)


def _has_failed(row: ReplicaRow, *, served: bool) -> bool:
    """Whether a replica has failed since it was last ready, if it ever was."""
    if row.state in (ReplicaState.READY, ReplicaState.DORMANT):
        return False
    # What died in service, or waits for a device that was lost, has an error, too: it comes back by itself.
    given_up = row.state == ReplicaState.FAILED or row.failures > 0 or row.log is not None
    return given_up or (row.error is not None and not served)


def in_use(uid: str, state: str) -> Conflict:
    """The refusal of a launch under a uid whose model is in this state."""
    return Conflict(
        f"the model uid '{uid}' is in use, by a model that is {state}: choose another (model_uid, -u), or end that one "
        f"(headrace terminate -u {uid})",
        param="model_uid",
    )
