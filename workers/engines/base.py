"""The interface between Headrace and an engine.

An engine is a subclass of ``Engine``, one line in the registry (``workers.engines``), and its facts
(``models.engines``). It is loaded in a thread, then made on the runner's event loop
(``Engine.resident``). It serves a modality by having a method of that name, ``method(request, sink)``, called on that
loop; it must return at once and feed the sink later, on the same loop. It does its own batching. Each text engine must
pass ``tests/engines/test_conformance.py``.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from models.errors import HeadraceError, UnsupportedParameter
from models.modalities import MODALITIES, served_by
from models.modalities.base import BaseRequest, Usage
from models.modalities.chat.messages import Media
from models.modalities.media import Artifact, MediaRequest, Outcome
from models.modalities.text import Delta

Report = Callable[[str, float], None]
"""``report(stage, fraction)``: stage is "loading" or "warming", fraction 0 to 1. May be called from any thread."""

AnyRequest = BaseRequest | MediaRequest

_MEDIA = {"image_url": "pictures", "input_audio": "recordings", "audio_url": "recordings"}
MEDIA_PARTS = frozenset(_MEDIA)
"""The types of message parts beside text."""


class Sink(Protocol):
    """Where an engine puts one request's answer; to be called on the event loop's thread.

    Deltas of several requests that are put in one iteration of the loop leave in one publish, so an engine that works
    in steps should deliver a step's deltas in one callback. After ``done`` or ``fail`` nothing more may be put.
    """

    rid: str
    media: Sequence[Media]
    """The pictures and recordings of the request's messages, in their order: fetched, and checked to be valid."""

    def delta(self, delta: Delta) -> None:
        """Text of one choice; its ``finish`` is set on that choice's last delta."""

    def part(self, part: Any) -> None:
        """Put the next part of a long result, where the modality takes it in parts; the rest is put by ``done``."""

    def done(self, usage: Usage, result: Any = None) -> None:
        """All choices have finished. ``result`` is for a modality that has no deltas."""

    def fail(self, error: HeadraceError) -> None:
        """The request cannot be finished."""


class MediaSink(Protocol):
    """Where an engine puts the answer to one image or audio request; to be called on the event loop's thread.

    ``files`` are the request's own, by name: ``image``, ``mask``, ``file``. They exist until the request is over.
    """

    rid: str
    files: Mapping[str, Path]

    def progress(self, done: float, total: float, preview: Artifact | None = None) -> None:
        """Report progress: step ``done`` of ``total``, or seconds of sound. Call it at every step; not all are sent."""

    def piece(self, data: bytes) -> None:
        """Put a part of the answer, for those who stream it: text in UTF-8, or sound in the format asked for."""

    def warn(self, message: str) -> None:
        """Say what the answer will lack. Those who stream it are told if this comes before the first piece."""

    def done(self, outcome: Outcome) -> None:
        """The answer is complete."""

    def fail(self, error: HeadraceError) -> None:
        """The request cannot be finished."""


@dataclass(frozen=True, slots=True)
class EngineSite:
    """Where an engine is to be loaded, with which weights and options.

    ``source`` is a local path, or empty for an engine without weights; ``device`` is "cpu", "cuda:N" or "metal".
    ``gpus``: how many GPUs are visible, all of them for this engine; ``device`` is the first. ``cache``: a folder in
    which an engine may keep what it makes of weights; "": it is not kept. ``reserved_bytes``: what it is to have of
    each device; 0: that is not known.
    """

    source: str
    device: str
    options: dict[str, Any]
    trust_remote_code: bool = False
    gpus: int = 0
    cache: str = ""
    reserved_bytes: int = 0


def torch_device(device: str) -> str:
    """PyTorch's name for the device of an ``EngineSite``."""
    return "mps" if device == "metal" else device


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a loaded engine can hold: requests computed at once, and tokens of context to each."""

    max_inflight: int
    context_length: int


class Loaded(Protocol):
    """What an engine's ``load`` returns: its weights in memory, and anything else that takes long to make."""

    @property
    def capacity(self) -> Capacity:
        """What the engine will be able to hold."""


LoadedT = TypeVar("LoadedT", bound=Loaded)


class Engine(ABC, Generic[LoadedT]):
    """One model, resident in this process.

    It is made in two steps: ``load`` reads the weights in a thread, then ``start`` makes the engine on the event loop
    from what was loaded. ``__init__`` therefore runs on the loop, sets every attribute, and starts what the engine
    needs to serve (threads, asyncio tasks): no engine exists that is not ready for its first request.
    """

    honours: frozenset[str] = frozenset()
    """Optional request fields that are honoured, beyond the platform's own, and types of message parts beside text.

    A class has all that the engine can honour; an object has those that its model can honour.
    """

    gather_s: ClassVar[float] = 0.0
    """How long the pieces of one step take to arrive, where they do not arrive in one iteration of the loop."""

    spawns: ClassVar[bool] = False
    """Whether it holds its model in processes of its own, whose memory then counts as the runner's."""

    voices: tuple[str, ...] = ()
    """The names of the voices in which its model speaks, the default first."""

    told: Mapping[str, Any] = {}
    """What more is known of its model, now that it is loaded, beside ``models.launching.about.About``."""

    def __init__(self, loaded: LoadedT) -> None:
        self.capacity = loaded.capacity

    @classmethod
    @abstractmethod
    def load(cls, site: EngineSite, report: Report) -> LoadedT:
        """Make the model resident and warm. Runs in a thread of its own, and may block for minutes.

        Raises InvalidRequest where another try is of no use (bad options, unreadable weights).
        """

    @classmethod
    async def start(cls, loaded: LoadedT) -> Self:
        """Make the engine, on the event loop. Override it where something must be awaited first. Raises as ``load``."""
        return cls(loaded)

    @classmethod
    async def resident(cls, site: EngineSite, report: Report) -> Self:
        """Load in a thread, then start. Returns an engine that serves. Raises as ``load``."""
        return await cls.start(await asyncio.to_thread(cls.load, site, report))

    @abstractmethod
    def abort(self, rid: str) -> None:
        """Stop computing this request within one step and put nothing more in its sink. Unknown ids are ignored."""

    @abstractmethod
    def close(self) -> None:
        """Free everything. The process ends soon after."""

    def alive(self) -> bool:
        """False once the engine cannot serve again: its runner then ends, and a new one is started."""
        return True

    def fault(self) -> str:
        """Why it cannot serve again, once ``alive`` is False; empty where it does not know."""
        return ""

    def counters(self) -> dict[str, int]:
        """Monotonic counters of this engine, such as ``steps``."""
        return {}

    def modalities(self) -> list[str]:
        """The modalities that this engine has a method for; some depend on the weights."""
        return [name for name in MODALITIES if hasattr(self, served_by(name))]

    def check(self, request: AnyRequest) -> None:
        """Refuse a field that asks for what this engine or its model lacks. Raises UnsupportedParameter."""
        for place, part in request.media if isinstance(request, BaseRequest) else ():
            if part.type not in self.honours:
                raise UnsupportedParameter(f"this model does not take {_MEDIA[part.type]}", param=place)
        for name in sorted(request.asked() - request.PLATFORM - self.honours):
            raise UnsupportedParameter(f"'{name}' is not supported by this model's engine", param=name)
