"""From a name, a size, a format and a quantisation to the one thing to fetch, and the engine for it. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from models.catalogue.entries import Family, HubName, Place, Weights
from models.catalogue.names import Named
from models.engines import FACTS
from models.errors import InvalidRequest

_FORMATS = {"safetensors": "pytorch", "gguf": "ggufv2", "ggufv3": "ggufv2"}
"""Other names of formats."""
_SCHEMES: dict[HubName, str] = {"huggingface": "hf", "modelscope": "modelscope"}
_MAIN = ("", "main", "master")

_PREFERRED_FORMATS = ("ct2", "pytorch", "diffusers", "ggufv2")
_PREFERRED = (
    *("none", "q4_k_m", "q4_k_s", "q4", "ud-q4_k_xl", "iq4_nl", "iq4_xs", "q4_1", "q4_0"),
    *("q5_k_m", "q5_k_s", "q5_0", "q6_k", "q8_0", "int4", "fp8"),
)
"""Quantisations, the first of which is taken where none is asked for: 4 bits are read fast, and lose little."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a launch says beside the name. None: it leaves that open.

    ``engine`` is the name of one of ours, ``hub`` where to fetch from.
    """

    size: float | None = None
    model_format: str | None = None
    quantization: str | None = None
    engine: str | None = None
    hub: HubName | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """What the devices here can do. ``engines`` work on one that the launch may have; ``vllm_first``: vLLM on a GPU.

    ``trusts``: the repository's own code may be run.
    """

    engines: frozenset[str] = frozenset()
    vllm_first: bool = False
    trusts: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What to fetch, and what to run it with. ``source`` is as ``models.launching.hub`` reads it.

    ``file`` is the file of a quantisation within the repository ``repository``, where it is one of several: with ``*``
    or not, the listing of the repository decides. ``engine`` is None where the files say it. ``reason`` says what was
    chosen, and why.
    """

    family: Family
    repository: str
    file: str
    model_format: str
    quantization: str
    size: float | None
    engine: str | None
    reason: str
    code: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """What is fetched: the repository, or one file of it."""
        return f"{self.repository}/{self.file}" if self.file else self.repository


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to launch a family."""

    spec: Weights
    quantization: str
    engine: str | None


def format_named(name: str, family: Family) -> str:
    """The catalogue's word for a format. Whole pipelines have one of their own."""
    word = _FORMATS.get(name.lower(), name.lower())
    return "diffusers" if word == "pytorch" and family.type in ("image", "video") else word


def plan(found: Named, asked: Asked, machine: Machine) -> Plan:
    """The one plan for what was asked for. Raises InvalidRequest, which names what there is instead."""
    family = found.family
    if family.unserved:
        raise InvalidRequest(
            f"'{family.name}' is in the catalogue, and no engine here runs it: {family.unserved}", param="model_name"
        )
    _refuse_contradiction(found, asked)
    asked = replace(
        asked,
        size=found.size if asked.size is None else asked.size,
        quantization=asked.quantization or found.quantization,
    )
    specs = _of_hub(_of_format(_of_size(found.specs, asked, family), asked, family), asked, family)
    ways = [way for spec in specs for way in _ways(spec, asked, family)]
    ways = _of_quantization(ways, asked.quantization, family)
    ways = _of_engine(ways, asked.engine, family)
    unknown = min(family.sizes, default=0.0)  # of weights of which the size is not known
    best = min(ways, key=lambda way: _rank(way, machine, unknown))
    return _made(family, best, ways, asked, machine)


def _refuse_contradiction(found: Named, asked: Asked) -> None:
    """Raise InvalidRequest where the name says another size or quantisation than the launch."""
    if asked.size is not None and found.size is not None and abs(asked.size - found.size) > 1e-6:
        raise InvalidRequest(
            f"the name says the size {label(found.size)}, and the launch {label(asked.size)}: leave out one of them",
            param="model_size_in_billions",
        )
    if asked.quantization and found.quantization and asked.quantization.lower() != found.quantization.lower():
        raise InvalidRequest(
            f"the name says the quantisation {found.quantization}, and the launch {asked.quantization[:40]}: leave out "
            "one of them",
            param="quantization",
        )


def label(size: float | None) -> str:
    """A size as people write it: 7, 0.5; "" where it is not known."""
    return "" if size is None else f"{size:g}"


def _of_size(specs: Sequence[Weights], asked: Asked, family: Family) -> list[Weights]:
    if asked.size is None:
        return list(specs)
    fitting = [one for one in specs if one.size is not None and abs(one.size - asked.size) < 1e-6]
    fitting = fitting or ([*specs] if all(one.size is None for one in specs) else [])
    if not fitting:
        sizes = sorted({one.size for one in specs if one.size is not None})
        near = sorted(sorted(sizes, key=lambda one: abs(one - float(asked.size or 0)))[:2])
        raise InvalidRequest(
            f"'{family.name}' has no size {label(asked.size)}: nearest are {_or(map(label, near))}, of "
            f"{', '.join(map(label, sizes))} (billions of parameters)",
            param="model_size_in_billions",
        )
    return fitting


def _of_format(specs: list[Weights], asked: Asked, family: Family) -> list[Weights]:
    if asked.model_format is None:
        return specs
    wanted = format_named(asked.model_format, family)
    fitting = [one for one in specs if one.format == wanted]
    if not fitting:
        there = _or(dict.fromkeys(one.format for one in specs))
        raise InvalidRequest(
            f"'{family.name}'{_sized(specs)} does not come in the format '{asked.model_format}': it comes as {there}",
            param="model_format",
        )
    return fitting


def _of_hub(specs: list[Weights], asked: Asked, family: Family) -> list[Weights]:
    if asked.hub is None:
        return specs
    fitting = [one for one in specs if one.on(asked.hub)]
    if not fitting:
        raise InvalidRequest(
            f"no repository of '{family.name}'{_sized(specs)} is known on {asked.hub}: leave download_hub out",
            param="download_hub",
        )
    return fitting


def _ways(spec: Weights, asked: Asked, family: Family) -> Iterable[_Way]:
    """The ways to launch weights. Another engine than those known may be asked for, where it reads the format."""
    engines: tuple[str | None, ...] = spec.engines or (None,)
    if asked.engine is not None and asked.engine not in engines and _reads(asked.engine, spec.format, family):
        engines = (*engines, asked.engine)
    for quantization in spec.quantizations:
        if spec.has(quantization, asked.hub):
            yield from (_Way(spec, quantization, engine) for engine in engines)


def _reads(engine: str, written: str, family: Family) -> bool:
    """Whether an engine serves models of this type, and reads weights of this format."""
    read = {"ggufv2": "gguf", "ct2": "ct2", "diffusers": "diffusers"}.get(written, "safetensors")
    return family.type in FACTS[engine].serves and read in FACTS[engine].formats


def _of_quantization(ways: list[_Way], wanted: str | None, family: Family) -> list[_Way]:
    if wanted is None:
        return ways
    fitting = [way for way in ways if way.quantization.lower() == wanted.lower()]
    if not fitting:
        there = ", ".join(dict.fromkeys(way.quantization for way in ways))
        raise InvalidRequest(
            f"'{family.name}'{_sized([way.spec for way in ways])} does not come in the quantisation '{wanted}': it "
            f"comes in {there}",
            param="quantization",
        )
    return fitting


def _of_engine(ways: list[_Way], wanted: str | None, family: Family) -> list[_Way]:
    if wanted is None:
        return ways
    fitting = [way for way in ways if way.engine == wanted]
    if not fitting:
        there = sorted({f"{way.engine or 'another engine'} ({way.spec.format})" for way in ways})
        raise InvalidRequest(
            f"'{family.name}' is not run by {wanted} as it was asked for: it is by {_or(there)}", param="model_engine"
        )
    return fitting


def _rank(way: _Way, machine: Machine, unknown: float) -> tuple[Any, ...]:
    """What is known to run comes first, then what works here, the smallest, the preferred engine and format."""
    return (
        way.engine is None,
        way.engine not in machine.engines,
        way.engine in way.spec.code and not machine.trusts,
        bool(way.spec.of),
        way.spec.size or unknown,
        _engine_rank(way.engine, machine),
        _place_in(_PREFERRED_FORMATS, way.spec.format),
        _place_in(_PREFERRED, way.quantization.lower()),
    )


def _engine_rank(engine: str | None, machine: Machine) -> int:
    order = ("llama_cpp", "transformers", "vllm")
    if machine.vllm_first:
        order = ("vllm", "llama_cpp", "transformers")
    return _place_in(("sentence_transformers", "faster_whisper", "diffusers", *order), engine or "")


def _place_in(order: Sequence[str], one: str) -> int:
    return order.index(one) if one in order else len(order)


def _made(family: Family, way: _Way, ways: Sequence[_Way], asked: Asked, machine: Machine) -> Plan:
    options = dict(family.options.get(way.engine or "", {}))
    if way.spec.uri:
        repository, file = way.spec.uri.format(quantization=way.quantization), ""
    else:
        hub, place = next(
            (name, one)
            for name, one in way.spec.places().items()
            if asked.hub in (None, name) and one.has(way.quantization)
        )
        repository, file = _repository(hub, place, way.quantization), place.file_of(way.quantization)
        if way.engine == "llama_cpp" and place.projector:
            options["mmproj"] = place.projector
    if way.spec.of:
        options["base"] = f"hf:{way.spec.of}"
    return Plan(
        family=family,
        repository=repository,
        file=file,
        model_format=way.spec.format,
        quantization=way.quantization,
        size=way.spec.size,
        engine=way.engine,
        reason=_reason(family, way, ways, asked, machine),
        code=way.engine in way.spec.code,
        options=options,
    )


def _repository(hub: HubName, place: Place, quantization: str) -> str:
    revision = "" if place.revision in _MAIN else f"@{place.revision}"
    return f"{_SCHEMES[hub]}:{place.repo.format(quantization=quantization)}{revision}"


def _reason(family: Family, way: _Way, ways: Sequence[_Way], asked: Asked, machine: Machine) -> str:
    """What was chosen, and why, in words."""
    size = f", {label(way.spec.size)}B" if way.spec.size is not None else ""
    what = f"{family.name}{size}, {way.spec.format}, {way.quantization}"
    why: list[str] = []
    sizes = sorted({one.spec.size for one in ways if one.spec.size is not None})
    if asked.size is None and len(sizes) > 1:
        why.append(f"no size was named, and it has {', '.join(map(label, sizes))}")
    if way.engine is None:
        why.append("which engine runs it, its files say")
    elif asked.engine is None:
        why.append(_why_engine(way.engine, {one.engine for one in ways if one.engine}, machine))
    others = sorted({one.quantization for one in ways if one.spec is way.spec} - {way.quantization})
    if asked.quantization is None and others:
        why.append(f"other quantisations: {', '.join(others)}")
    on = f" on {way.engine}" if way.engine else ""
    return f"{what}{on}" + (f": {'; '.join(why)}" if why else "")


def _why_engine(engine: str, able: Collection[str], machine: Machine) -> str:
    others = sorted({*able} - {engine})
    beside = f", and so could {_or(others)}" if others else ""
    if engine not in machine.engines:
        return f"{engine} runs it{beside}, and works on no device here"
    if engine == "vllm" and machine.vllm_first:
        return f"vllm works on a GPU here{beside}"
    return f"{engine} runs it{beside}"


def _sized(specs: Sequence[Weights]) -> str:
    sizes = {one.size for one in specs}
    return f" of {label(next(iter(sizes)))}B" if len(sizes) == 1 and None not in sizes else ""


def _or(names: Iterable[str]) -> str:
    return " or ".join(names)
