"""Which ways to launch a model can be gone here, engine by format by size by quantisation, and why others cannot.

Pure: it decides from the catalogue, from what workers say of the engines on their devices, and from what those have.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from models.catalogue.entries import Family, Weights
from models.catalogue.unserved import unserved
from models.engines import FACTS
from models.ledger.fit import MARGIN, Room, described, fits
from models.ledger.need import Need, Target, gib, in_words
from models.ledger.parameters import need_of
from models.reasons import joined, of_devices, told

Cause = Literal["", "unserved", "unknown", "engine", "asking", "code", "memory"]
"""Why a way cannot be gone: "": it can.

``unserved``: no engine here runs the model; ``unknown``: which one does, only its files say; ``engine``: the engine
works on no device here; ``asking``: that is not known yet; ``code``: the repository's own code would have to be
trusted; ``memory``: no device has so much.
"""


@dataclass(frozen=True, slots=True)
class DeviceHere:
    """A device: what it has, what computes there, and what each engine says of it: "", or why it does not work."""

    room: Room
    target: Target
    engines: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WayHere:
    """One way to launch a model. ``devices``: where it can be; several GPUs where one is not enough.

    ``fits_now``: whether what it needs is free at the moment; None where that is not known.
    """

    engine: str | None
    model_format: str
    size: float | None
    quantization: str
    cause: Cause
    reason: str
    devices: tuple[str, ...] = ()
    need: Need | None = None
    fits_now: bool | None = None

    @property
    def runs(self) -> bool:
        """Whether it can be gone."""
        return not self.cause


NeedOf = Callable[[Family, Weights, str, str, Target], Need | None]
"""What weights need in a quantisation, on an engine and a kind of device; None where that is not known."""


def ways_here(
    family: Family, devices: Sequence[DeviceHere], *, trusts: bool, usual: NeedOf = lambda *_: None
) -> list[WayHere]:
    """Every way to launch a model, in the catalogue's order. ``trusts``: a repository's own code may be run.

    ``usual``: what is known better than by the number of parameters (``models.ledger.catalogued.usual``).
    """
    return [
        _way(family, weights, quantization, engine, devices, trusts, usual)
        for weights in family.specs
        for engine in weights.engines or (None,)
        for quantization in weights.quantizations
    ]


BY_FILES = told("which engine runs it, its files say at the launch", "engine_by_files")
_TRUST = "HEADRACE_TRUST_REMOTE_CODE=true"
UNTRUSTED = told(f"it runs the repository's own code, which needs {_TRUST}", "code_untrusted", setting=_TRUST)
_ASKED = told("it is still being asked whether the engine works there", "engine_asked")


SHAPING = frozenset({"dtype", "n_gpu_layers", "cpu_offload", "hf_overrides", "load_format", "quantization"})
"""Options with which weights take another part of a device than their parameters say, beside those of offloading."""


def too_large(
    family: Family, size: float | None, model_format: str, quantization: str, engine: str, devices: Sequence[DeviceHere]
) -> str:
    """Why no device here will ever have the memory for such weights; "" where one has it, or nobody can tell."""
    its = (one for one in family.specs if (one.size, one.format) == (size, model_format))
    weights = next((one for one in its if quantization in one.quantizations), None)
    if weights is None or any(engine not in one.engines for one in devices):
        return ""
    way = _way(family, weights, quantization, engine, devices, True, need_of)
    return way.reason if way.cause == "memory" else ""


def is_shaped(options: Iterable[str]) -> bool:
    """Whether a launch with these options may take less than the parameters of its weights say."""
    return any(one in SHAPING or "offload" in one for one in options)


def _way(
    family: Family,
    weights: Weights,
    quantization: str,
    engine: str | None,
    devices: Sequence[DeviceHere],
    trusts: bool,
    usual: NeedOf,
) -> WayHere:
    way = WayHere(engine, weights.format, weights.size, quantization, "", "")
    if family.unserved:
        return replace(way, cause="unserved", reason=unserved(family.unserved))
    if engine is None:
        return replace(way, cause="unknown", reason=BY_FILES)
    able = [one for one in devices if engine in one.engines and not one.engines[engine]]
    if FACTS[engine].cpu_only:
        able = [one for one in able if not one.target.on_gpu] or able
    if not able:
        return replace(way, cause=_unable(engine, devices), reason=_why_unable(engine, devices))
    if engine in weights.code and not trusts:
        return replace(way, cause="code", reason=UNTRUSTED)
    return _placed(way, family, weights, able, usual)


def _placed(way: WayHere, family: Family, weights: Weights, able: Sequence[DeviceHere], usual: NeedOf) -> WayHere:
    """The way on the first devices that have the memory, GPUs before CPUs; or why none has."""
    engine = str(way.engine)
    asked = (family, weights, way.quantization, engine)
    tried = [(some, usual(*asked, some[0].target) or need_of(*asked, some[0].target)) for some in _sets(engine, able)]
    for some, need in tried:
        if need is None or _total(some) >= need.least * (1 - MARGIN):
            now = None if need is None or len(some) > 1 else fits(need, some[0].room)
            return replace(way, devices=tuple(one.room.device for one in some), need=need, fits_now=now)
    some, need = max(tried, key=lambda one: _total(one[0]))
    assert need is not None
    reason = joined("; ", (in_words(family.name, need), *(_in_all(one.room) for one in some)))
    return replace(way, cause="memory", reason=reason, need=need)


def _in_all(room: Room) -> str:
    text = f"{room.device} has {gib(room.total)} GiB in all"
    return told(text, "device_total", device=room.device, total_bytes=room.total)


def _sets(engine: str, able: Sequence[DeviceHere]) -> list[tuple[DeviceHere, ...]]:
    """The devices that a replica may have: each alone, GPUs first, then all GPUs of a node where it may be divided."""
    ordered = sorted(able, key=lambda one: not one.target.on_gpu)
    alone: list[tuple[DeviceHere, ...]] = [(one,) for one in ordered if one.target.on_gpu]
    nodes: dict[str, list[DeviceHere]] = {}
    for one in ordered:
        if one.target.kind == "cuda" and FACTS[engine].many_gpus:
            nodes.setdefault(one.room.node, []).append(one)
    together = [tuple(some[:count]) for some in nodes.values() for count in range(2, len(some) + 1)]
    return [*alone, *together, *((one,) for one in ordered if not one.target.on_gpu)]


def _total(some: Iterable[DeviceHere]) -> int:
    return sum(one.room.total for one in some)


def _unable(engine: str, devices: Sequence[DeviceHere]) -> Cause:
    return "asking" if any(engine not in one.engines for one in devices) else "engine"


def _why_unable(engine: str, devices: Sequence[DeviceHere]) -> str:
    """Why an engine works on no device, each reason once."""
    if not devices:
        return told("no worker reports a device", "no_device_reports")
    reasons: dict[str, list[str]] = {}
    for one in devices:
        said = one.engines.get(engine, _ASKED)
        reasons.setdefault(said, []).append(one.room.device)
    return joined("; ", (of_devices(ids, said) for said, ids in reasons.items()))


def notes_of(way: WayHere, devices: Sequence[DeviceHere]) -> str:
    """What is to be said of a way that can be gone, but not at this moment; "" where there is nothing."""
    if not way.runs or way.fits_now is not False or way.need is None:
        return ""
    room = next(one.room for one in devices if one.room.device == way.devices[0])
    needs = told(f"it needs {gib(way.need.total)} GiB", "needs_only", total_bytes=way.need.total)
    return joined("; ", (needs, described(room)))
