"""What workers report of themselves, once a second and at every change: published for all gateways, and kept
under a key that lapses when its worker falls silent. The only source of where a request can be placed."""

import msgspec

DEVICES = "headrace:devices"
"""Channel of the snapshots."""

STEWARD = "headrace:steward"
"""Channel that wakes the steward: desired state has changed."""

LAPSE_MS = 5000
"""A device whose key was not renewed for this long is lost."""


class Replica(msgspec.Struct, frozen=True):
    """One replica as its worker sees it. ``epoch`` names its runner: a reloaded replica has a new one."""

    id: str
    uid: str
    epoch: str
    state: str
    modalities: list[str] = []
    max_inflight: int = 0
    max_waiting: int = 0
    context_length: int = 0
    inflight: int = 0
    outstanding_tokens: int = 0
    memory_bytes: int = 0
    pid: int = 0
    counters: dict[str, int] = {}


class Snapshot(msgspec.Struct, frozen=True):
    """One device. ``worker`` is new with every worker process; ``serial`` grows with every snapshot of it."""

    device: str
    worker: str
    serial: int
    replicas: list[Replica]
    draining: bool = False


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Snapshot).decode


def device_key(device: str) -> str:
    """Key under which a device's newest snapshot is kept."""
    return f"headrace:device:{device}"


def device_channel(device: str) -> str:
    """Channel that wakes a device's worker: its replicas' rows have changed."""
    return f"headrace:wake:{device}"
