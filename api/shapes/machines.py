"""The machines of the platform: what each is, its devices, and which engines work there."""

from typing import Literal

from typing_extensions import TypedDict

from api.shapes.devices import DeviceBasics
from models.reasons import ReasonTold


class MachineFacts(TypedDict):
    """What a process says of itself and its machine. Sizes are in bytes; null: not known, as of an older release.

    ``release``: of Headrace, as the process runs it; ``host``: the machine's own name; ``load``: how many processes ran
    or waited for a processor, the average of a minute; ``disk_bytes``: of the disk with the home folder, where what is
    fetched from hubs lies.
    """

    release: str | None
    python: str | None
    host: str | None
    system: str | None
    cpu_count: int | None
    load: float | None
    memory_bytes: int | None
    memory_free_bytes: int | None
    disk_bytes: int | None
    disk_free_bytes: int | None


class NodeDevice(DeviceBasics):
    """A device of a machine, and the release and Python of its worker. ``driver`` and ``cuda`` are versions, or "".

    ``utilization``: the part of it that computes now, from 0 to 1. ``fault``: what is wrong with it, or "".
    """

    worker: Literal["reports", "draining", "silent", "lost"]
    release: str | None
    python: str | None
    free_bytes: int | None
    utilization: float | None
    driver: str
    cuda: str
    capability: str
    fault: str


class EngineFault(TypedDict):
    """Why an engine does not work on some devices; ``reasons`` is what the sentence says, for machines."""

    reason: str
    reasons: list[ReasonTold]
    devices: list[str]


class NodeEngine(TypedDict):
    """An engine on a machine. ``works``: on any of its devices; null while that is still being asked.

    ``version``: of its library, "" where that is not installed or not known, or where the engine has none.
    ``libraries``: the versions of all that it imports, by module. ``devices``: those on which it works.
    """

    id: str
    works: bool | None
    version: str
    libraries: dict[str, str]
    devices: list[str]
    faults: list[EngineFault]


class Node(MachineFacts):
    """A machine with workers. ``state``: ``lost`` where none of them was seen for 15 seconds.

    ``releases``: those that its workers run, two amid an upgrade. ``cpu_utilization`` is from 0 to 1. ``notes``: what
    is to be said of GPUs that could not be used. ``gateway``: this gateway runs there.
    """

    id: str
    object: Literal["node"]
    state: Literal["here", "lost"]
    gateway: bool
    releases: list[str]
    cpu_utilization: float | None
    notes: list[str]
    devices: list[NodeDevice]
    engines: list[NodeEngine]


class GatewayFacts(MachineFacts):
    """The gateway that answers, and its machine. ``node``: the name that this has as a node."""

    node: str
    home: str


class NodeList(TypedDict):
    """The machines with workers, those that were lost within a week included; and the gateway that answers.

    ``releases``: those that are run now, by this gateway and by the workers that report; several amid an upgrade.
    """

    object: Literal["list"]
    data: list[Node]
    gateway: GatewayFacts
    releases: list[str]
