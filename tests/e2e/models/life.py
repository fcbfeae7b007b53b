"""What the tests of models' lives ask a stack."""

from typing import Any

import httpx

from tests.e2e.stack import Stack


def events_of(stack: Stack, uid: str) -> list[dict[str, Any]]:
    """The events of a model, oldest first."""
    answer = httpx.get(f"{stack.url}/v1/models/{uid}/events", params={"limit": 1000})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def kinds_of(stack: Stack, uid: str) -> list[str]:
    """What happened to a model, in order."""
    return [one["kind"] for one in events_of(stack, uid)]


def replicas_of(stack: Stack, uid: str) -> list[dict[str, Any]]:
    """The replicas of a model."""
    return stack.client.replicas(uid)


def states_of(stack: Stack, uid: str) -> list[str]:
    """The states of a model's replicas."""
    return [one["state"] for one in replicas_of(stack, uid)]
