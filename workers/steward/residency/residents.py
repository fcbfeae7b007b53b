"""What is loaded, as the decisions about it look at it."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Resident:
    """A ready replica. ``devices``: all that it holds; ``bytes``: on each of them. Times are in seconds.

    ``busy``: a request or job runs on it. ``idle_s``: how long nothing did, ``resident_s``: how long it is ready.
    ``reload_s``: what it takes to load it again. ``leaving``: it was asked to go.
    """

    id: str
    uid: str
    devices: tuple[str, ...] = ()
    bytes: int = 0
    busy: bool = False
    idle_s: float = 0.0
    resident_s: float = 0.0
    reload_s: float = 10.0
    leaving: bool = False

    @property
    def was_used(self) -> bool:
        """Whether it has answered anything since it was loaded."""
        return self.busy or self.idle_s < self.resident_s - 0.05


@dataclass(frozen=True, slots=True)
class Terms:
    """What is agreed of a model: how long it stays without requests, whether it is pinned, and its replicas.

    ``least`` and ``most``: between how many replicas it has; ``most`` None: their number does not change. ``active``:
    how many are ready and stay.
    """

    keep_alive_s: float = inf
    pinned: bool = False
    least: int | None = None
    most: int | None = None
    active: int = 0


@dataclass(frozen=True, slots=True)
class Demand:
    """Requests and jobs that wait for a model: how many, and for how many seconds the first of them has waited."""

    count: int = 0
    oldest_s: float = 0.0
