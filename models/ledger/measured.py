"""Estimates, corrected by what such a model took of such a device before. Pure; sizes in bytes."""

from dataclasses import replace

from models.ledger.need import Need


def corrected(need: Need, measured: int, *, on_gpu: bool) -> Need:
    """The need of a model that took so much before, of all its devices together.

    What was measured is never too high, as it grows with use: a need that is lower is raised to it. One that is higher
    is lowered to it, but not below what is certain from the headers; on a CPU neither below weights and cache, since
    pages of a cache count only once they are written to. Nor is it lowered where the engine takes a smaller cache when
    little is free: that may be what was measured.
    """
    found = replace(need, measured=measured, unknown=())
    if measured < need.total:
        if need.least_cache < need.cache:
            return found
        floor = need.certain if on_gpu else max(need.certain, need.weights + need.cache)
        return replace(found, correction=min(0, max(measured, floor) - need.total))
    return replace(found, correction=measured - need.total)
