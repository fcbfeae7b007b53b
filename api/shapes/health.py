"""Probes, the version, and voices, as the API shows them."""

from typing import Literal

from typing_extensions import TypedDict


class Alive(TypedDict):
    """The process answers."""

    status: Literal["alive"]


class ReadinessChecks(TypedDict):
    """What must hold so that requests can be served. ``admitting``: the process is not shutting down."""

    redis: bool
    database: bool
    device: bool
    admitting: bool


class Readiness(TypedDict):
    """Whether requests can be served."""

    status: Literal["ready", "not ready"]
    checks: ReadinessChecks


class Release(TypedDict):
    """The release of Headrace."""

    version: str


class KeyNeeded(TypedDict):
    """Whether a key is needed."""

    auth: bool


class Voice(TypedDict):
    """A voice of a model that speaks."""

    id: str
    name: str
    model: str


class VoiceList(TypedDict):
    """The voices of the models that speak."""

    voices: list[Voice]
