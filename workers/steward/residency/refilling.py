"""Which replicas come back that have left for another model, once there is room for them again: a pure function."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from models.rows.records import ReplicaRow
from models.rows.states import ReplicaState
from workers.steward.residency.residents import Terms


def missed(rows: Sequence[ReplicaRow], terms: Mapping[str, Terms]) -> list[str]:
    """The replicas, one of each model, that sleep while others of their model are loaded and stay.

    Of models whose number does not change: those that nobody asks for sleep as a whole. While another of a model is
    loaded, or has failed, none comes.
    """
    by_uid: dict[str, list[ReplicaRow]] = defaultdict(list)
    for row in rows:
        by_uid[row.uid].append(row)
    found: list[str] = []
    for uid, mine in by_uid.items():
        asleep = [row.id for row in mine if row.state == ReplicaState.DORMANT]
        loaded = [row for row in mine if row.state == ReplicaState.READY]
        settled = all(row.state in (ReplicaState.DORMANT, ReplicaState.READY, ReplicaState.STOPPING) for row in mine)
        stay = bool(loaded) and all(row.leaving is None for row in loaded)
        if uid in terms and terms[uid].most is None and asleep and stay and settled:
            found.append(min(asleep))
    return found
