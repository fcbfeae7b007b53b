"""Ways to launch a model as JSON: in Xinference's form, a table of engines, and in ours, a row for each way. Pure."""

import re
from collections.abc import Iterable, Sequence

from models.catalogue.entries import Family
from models.engines import serving
from models.ledger.parameters import as_json
from models.ledger.shapes import RunnableWeights, SizeWritten, Way, WaysByEngine
from models.ledger.ways import DeviceHere, WayHere, notes_of
from models.reasons import as_told, told


def by_engine(family: Family, ways: Sequence[WayHere]) -> WaysByEngine:
    """For each engine that serves such models the weights that it can run here, or the reason why it runs none."""
    found: WaysByEngine = {}
    engines = [one.name for one in serving(family.type)]
    for name in dict.fromkeys([*engines, *(one.engine for one in ways if one.engine)]):
        own = [one for one in ways if one.engine == name]
        able = [one for one in own if one.runs]
        found[name] = _rows(family, able) if able else _why_none(family, name, own, ways)
    return found


def described(way: WayHere, devices: Sequence[DeviceHere]) -> Way:
    """One way, with where it can be gone, or why not, and what it needs in bytes."""
    reason = way.reason or notes_of(way, devices)
    return {
        "object": "way",
        "engine": way.engine,
        "model_format": way.model_format,
        "model_size_in_billions": way.size,
        "quantization": way.quantization,
        "runs": way.runs,
        "devices": list(way.devices),
        "cause": way.cause or None,
        "reason": reason or None,
        "reasons": as_told(reason),
        "fits_now": way.fits_now,
        "needs": as_json(way.need),
    }


def size_in_billions(size: float | None) -> SizeWritten:
    """A size as Xinference writes it: 7, 0_5."""
    if size is None:
        return None
    return int(size) if size == int(size) else f"{size:g}".replace(".", "_")


def size_as_written(text: str | None) -> SizeWritten:
    """The size that a launch gave, as Xinference writes it; what is no size stays as it is."""
    number = re.fullmatch(r"(\d{1,6})(?:[._](\d{1,9}))?b?", (text or "").strip().lower(), re.ASCII)
    return size_in_billions(float(f"{number[1]}.{number[2] or 0}")) if number else text


def _rows(family: Family, ways: Iterable[WayHere]) -> list[RunnableWeights]:
    rows: dict[tuple[str, float | None], list[str]] = {}
    for one in ways:
        rows.setdefault((one.model_format, one.size), []).append(one.quantization)
    return [
        {
            "model_name": family.name,
            "model_format": written,
            "model_size_in_billions": size_in_billions(size),
            "quantization": names[0],
            "quantizations": names,
        }
        for (written, size), names in rows.items()
    ]


def _why_none(family: Family, engine: str, own: Sequence[WayHere], ways: Sequence[WayHere]) -> str:
    """Why an engine runs none of the weights; of several reasons the one of the smallest weights."""
    if family.unserved:
        return family.unserved
    if own:
        return min(own, key=lambda one: (one.need.total if one.need else 0, one.size or 0)).reason
    unsure = next((one for one in ways if one.cause == "unknown"), None)
    if unsure is not None:
        return unsure.reason
    there = list(dict.fromkeys(one.model_format for one in ways))
    text = f"{engine} is not known to run '{family.name}', which comes as {', '.join(there)}"
    return told(text, "engine_unfit", engine=engine, model=family.name, formats=there)
