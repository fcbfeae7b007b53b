"""Whether a launch takes the place of one of the same uid (``api.routes.models.life.again``)."""

from dataclasses import replace

import pytest

from api.routes.models.life.again import in_use, replaceable
from models.errors import NoDevice, ReplicaLost
from models.rows.records import ReplicaRow
from models.rows.states import ReplicaState
from tests.api.routes.test_models import replica

DEAD = ReplicaLost("the runner died")
FAILED = replica(ReplicaState.FAILED, "failed", DEAD)
ASLEEP = replica(ReplicaState.DORMANT, "")
READY = replica(ReplicaState.READY, "ready")
FETCHES = replica(ReplicaState.LOADING, "downloading")
DIED = replica(ReplicaState.LOADING, "waiting", DEAD)
AGAIN = replace(FETCHES, failures=1)
FORGIVEN = replace(FETCHES, log=[])
LEAVES = replica(ReplicaState.STOPPING, "stopping")
WAITS = replica(ReplicaState.PENDING, "waiting", NoDevice("no room"))


@pytest.mark.parametrize(
    ("replicas", "served", "expected"),
    [
        ([FAILED], True, True),
        ([AGAIN], False, True),
        ([FORGIVEN], True, True),
        ([DIED], False, True),
        ([DIED], True, False),
        ([WAITS], False, True),
        ([WAITS], True, False),
        ([FETCHES], False, False),
        ([READY], True, False),
        ([READY, FAILED], True, False),
        ([FAILED, AGAIN, LEAVES], False, True),
        ([FAILED, ASLEEP], False, True),
        ([FAILED, ASLEEP], True, False),
        ([replace(ASLEEP, failures=1)], True, False),
        ([ASLEEP], False, False),
        ([LEAVES], True, False),
    ],
)
def test_what_has_failed_makes_way_also_while_it_is_tried_again(
    replicas: list[ReplicaRow], served: bool, expected: bool
) -> None:
    assert replaceable(replicas, (), served=served) is expected


def test_what_waits_in_vain_makes_way() -> None:
    assert replaceable([WAITS], {WAITS.id}, served=True)


def test_the_refusal_names_the_state_and_the_command() -> None:
    said = in_use("m", "dormant")
    assert (said.status, said.param) == (409, "model_uid")
    assert "by a model that is dormant" in said.message
    assert "headrace terminate -u m" in said.message
