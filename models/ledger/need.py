"""What a model needs of a device's memory, in bytes and in words. Pure."""

from dataclasses import dataclass

from models.reasons import Reason, Told

GIB = 1 << 30
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """The kind of device that is estimated for. ``bfloat16``: whether a GPU computes that."""

    kind: str = "cpu"
    bfloat16: bool = True

    @property
    def on_gpu(self) -> bool:
        """Whether it is no CPU."""
        return self.kind != "cpu"

    @property
    def computes(self) -> bool | None:
        """``bfloat16`` as ``precision`` takes it: None on a CPU."""
        return self.bfloat16 if self.on_gpu else None


@dataclass(frozen=True, slots=True)
class Need:
    """What a model needs, in bytes: its weights, its cache, and what the engine takes beside them.

    ``cache`` is for ``requests`` requests of ``context`` tokens each; 0 where there is none. ``least_cache``: with
    which it is loaded all the same, for fewer requests at once. ``certain``: what it takes at the very least, whatever
    is estimated. ``unknown``: what could not be found out, in words. ``measured``: what it took before; 0 where that is
    not known. ``correction`` is what that adds to the estimate, or takes from it.
    """

    weights: int
    overhead: int
    cache: int = 0
    least_cache: int = 0
    context: int = 0
    requests: int = 0
    certain: int = 0
    measured: int = 0
    correction: int = 0
    dtype: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.cache + self.overhead + self.correction

    @property
    def least(self) -> int:
        """All of it, with the smallest cache."""
        return self.weights + self.least_cache + self.overhead + self.correction


def gib(size: int) -> str:
    """A size in GiB, with as many digits as tell small ones from nothing."""
    return f"{size / GIB:.1f}" if size >= GIB else f"{size / GIB:.2f}"


def in_words(name: str, need: Need) -> Told:
    """What a model needs, with its parts: ``x needs 7.9 GiB (5.4 weights, 2.5 overhead)``."""
    parts = [f"{gib(need.weights)} weights"]
    if need.cache:
        parts.append(f"{gib(need.cache)} KV cache for {need.context:,} × {need.requests}")  # noqa: RUF001 - it is meant
    parts.append(f"{gib(need.overhead)} overhead")
    if need.correction:
        parts.append(f"{gib(abs(need.correction))} {'more' if need.correction > 0 else 'less'}, as it was measured")
    return Told(f"{name} needs {gib(need.total)} GiB ({', '.join(parts)})", _said(name, need))


def _said(name: str, need: Need) -> list[Reason]:
    """The same as reasons."""
    values = {"total_bytes": need.total, "weights_bytes": need.weights, "overhead_bytes": need.overhead}
    cache = {"cache_bytes": need.cache, "context": need.context, "requests": need.requests} if need.cache else {}
    said = [Reason("needs_cache" if cache else "needs", {"model": name, **values, **cache})]
    if need.correction:
        code = "measured_more" if need.correction > 0 else "measured_less"
        said.append(Reason(code, {"difference_bytes": abs(need.correction)}))
    return said
