"""Which machines have the files of a model. Pure."""

from collections.abc import Collection, Iterable, Mapping

from models.errors import InvalidRequest
from models.launching import hub
from models.rows.records import DeviceRow


def nodes_with(source: str, devices: Iterable[DeviceRow], loaded: Mapping[str, Collection[str]]) -> frozenset[str]:
    """The nodes on which a source is loaded, or whose cache has something of its repository.

    ``loaded``: the nodes by the sources that are loaded there.
    """
    found = set(loaded.get(source, ()))
    repository = _repository(source)
    found.update(one.node for one in devices if repository and repository in one.details.get("cached", ()))
    return frozenset(found)


def _repository(source: str) -> str:
    """The repository of a source as ``models.hubs.cache.newest`` writes it; empty for one that is on no hub."""
    try:
        parsed = hub.parse(source) if source else None
    except InvalidRequest:
        return ""
    if parsed is None or parsed.kind in ("path", "package"):
        return ""
    return f"{'hf' if parsed.kind == 'huggingface' else parsed.kind}:{parsed.name}"
