"""What workers report of their devices, once a second and at every change.

A report is published for all gateways, and kept under a key that lapses when its worker falls silent. Gateways choose
the replica for a request by these reports alone.
"""

import msgspec

from models.hubs.progress import DownloadProgress

DEVICES = "headrace:devices"
"""Channel of the snapshots."""

STEWARD = "headrace:steward"
"""Channel that wakes the steward, when desired state has changed."""

LAPSE_MS = 5000
"""A device is lost when its key was not renewed for this long."""


class Replica(msgspec.Struct, frozen=True):
    """One replica as its worker reports it. ``epoch`` names its runner: a replica that is loaded again has a new one.

    ``outstanding_tokens``: those that it still has to write. ``context_length`` in tokens. ``memory_bytes``: on its
    device; ``mapped_bytes``: of these, files that the machine counts as available; ``host_bytes``: of the machine's
    memory. ``idle_s``: seconds since a request or job last ran,
    ``resident_s``: since it is ready, ``loading_s``: since its load began, ``queued_s``: since it has more requests
    than it computes at once. ``counters``: the engine's. ``download``: how far that is, while it runs. ``leaving``: it
    finishes what it does, and is sent nothing more.
    """

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
    mapped_bytes: int = 0
    host_bytes: int = 0
    pid: int = 0
    idle_s: float = 0.0
    resident_s: float = 0.0
    loading_s: float = 0.0
    queued_s: float = 0.0
    counters: dict[str, int] = {}
    download: DownloadProgress | None = None
    leaving: bool = False


class Snapshot(msgspec.Struct, frozen=True):
    """The report of one device. ``worker`` names the worker process; ``serial`` grows with each of its snapshots.

    ``total_bytes`` and ``free_bytes`` are of the device's memory. ``utilization``: the part of its computing units, or
    of the time, in which it computed a moment ago, from 0 to 1; None: not known.
    """

    device: str
    worker: str
    serial: int
    replicas: list[Replica]
    draining: bool = False
    total_bytes: int = 0
    free_bytes: int = 0
    utilization: float | None = None


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Snapshot).decode


def device_key(device: str) -> str:
    """Key under which a device's newest snapshot is kept."""
    return f"headrace:device:{device}"


def device_channel(device: str) -> str:
    """Channel that wakes a device's worker, when the rows of its replicas or jobs have changed."""
    return f"headrace:wake:{device}"
