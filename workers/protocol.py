"""Every message between a worker and its runner. They go over a socket pair: msgpack behind a 4-byte length.

The runner publishes answers straight to Redis; only commands and events go over this socket.
"""

import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from models.errors import WireError
from models.hubs.progress import DownloadProgress

# ---- from the worker to the runner -------------------------------------------------------------------------


class Load(msgspec.Struct, tag=True, frozen=True):
    """The first message: which model to load, and where to publish."""

    replica: str
    epoch: str
    uid: str
    engine: str
    device: str  # "cpu", or "cuda:0", the first of the GPUs that the runner sees
    stream_redis_url: str
    source: str  # weights, as models.launching.hub reads them; empty for engines without weights
    cache: str  # folder for downloaded weights
    options: dict[str, Any] = {}
    trust_remote_code: bool = False
    store: str = ""  # where artifacts lie, as models.storage.artifacts opens it
    gpus: int = 0  # how many GPUs the runner sees, all its own
    takes_turns: bool = False  # wait for ``Begin`` once the weights are here
    outbound_allow: str = ""  # private networks that clients' URLs may reach, as models.storage.outbound reads them
    reserved_bytes: int = 0  # of each device's memory, for this replica; 0: not known
    model_type: str = ""  # Xinference's: LLM, embedding, …
    slots_redis_url: str = ""  # where admission slots are; empty: where answers go


class Begin(msgspec.Struct, tag=True, frozen=True):
    """Load the weights now: no other runner of the device is loading."""


class Submit(msgspec.Struct, tag=True, frozen=True):
    """Serve a request. ``deadline`` is Unix time in milliseconds; ``slots`` are admission sets to leave at the end."""

    rid: str
    gateway_id: str
    modality: str
    deadline: int
    body: dict[str, Any]
    slots: list[str] = []


class DoJob(msgspec.Struct, tag=True, frozen=True):
    """Do a job. ``fence`` is this attempt's; ``deadline`` is Unix time in ms, or 0 for none.

    ``files`` has the artifact key of each of the request's files, by name.
    """

    id: str
    fence: int
    kind: str
    deadline: int
    body: dict[str, Any]
    files: dict[str, str] = {}


class CancelJob(msgspec.Struct, tag=True, frozen=True):
    """Stop this attempt at a job. ``JobEnded`` follows all the same."""

    id: str
    fence: int


class Drain(msgspec.Struct, tag=True, frozen=True):
    """Cancel all that still runs; its clients get this error."""

    error: WireError


class Stop(msgspec.Struct, tag=True, frozen=True):
    """Close the engine and exit."""


# ---- from the runner to the worker -------------------------------------------------------------------------


class LoadProgress(msgspec.Struct, tag=True, frozen=True):
    """How far a load is. ``fraction`` is of this stage, 0 to 1; ``download``: what is fetched, in bytes."""

    stage: str
    fraction: float
    download: DownloadProgress | None = None


class Fetched(msgspec.Struct, tag=True, frozen=True):
    """The weights are here. Where loads take turns, the runner waits for ``Begin``, else it loads them now."""


class Ready(msgspec.Struct, tag=True, frozen=True):
    """The model is loaded, and requests can be served."""

    modalities: list[str]
    max_inflight: int
    context_length: int
    about: dict[str, Any] = {}  # models.launching.about.About, as its files show; empty for engines without weights


class Failed(msgspec.Struct, tag=True, frozen=True):
    """The load failed; the runner exits. ``permanent``: trying again is of no use."""

    error: WireError
    permanent: bool


class Ending(msgspec.Struct, tag=True, frozen=True):
    """The runner cannot serve any more, and exits: no request or job may be given to it."""


class Finished(msgspec.Struct, tag=True, frozen=True):
    """A request is over, however it ended."""

    rid: str


class JobProgress(msgspec.Struct, tag=True, frozen=True):
    """How far a job is: ``fraction`` of it is done, 0 to 1."""

    id: str
    fence: int
    fraction: float


class JobEnded(msgspec.Struct, tag=True, frozen=True):
    """This attempt at a job is over, with a result or an error."""

    id: str
    fence: int
    result: dict[str, Any] | None = None
    error: WireError | None = None


class Stats(msgspec.Struct, tag=True, frozen=True):
    """Sent once a second: how much the runner has in flight, its memory, and counters since its start.

    ``mapped_bytes``: how much of the memory are files, as mapped weights; the machine counts it as available.
    """

    inflight: int
    outstanding_tokens: int
    memory_bytes: int
    counters: dict[str, int]
    mapped_bytes: int = 0


Command = Load | Begin | Submit | DoJob | CancelJob | Drain | Stop
Event = LoadProgress | Fetched | Ready | Failed | Ending | Finished | JobProgress | JobEnded | Stats

encode = msgspec.msgpack.Encoder().encode
decode_command = msgspec.msgpack.Decoder(Command).decode
decode_event = msgspec.msgpack.Decoder(Event).decode

_LENGTH = struct.Struct(">I")


def pack(message: Command | Event) -> bytes:
    """A message as it goes over the socket."""
    body = encode(message)
    return _LENGTH.pack(len(body)) + body


class Unpacker:
    """Cuts the byte stream back into message bodies."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bodies that are complete once ``data`` has come."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield body
