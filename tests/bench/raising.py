"""A step that fails after its first figure."""

from bench.gpu.site import Figures, Site


async def run(site: Site) -> None:
    """Measure one part that is there and one that is not, then fail."""
    await site.measure(there=there, missing=missing)
    raise RuntimeError("the step failed")


async def there(site: Site) -> Figures:
    """One figure."""
    return {"figure": 1.0}


async def missing(site: Site) -> Figures:
    """Fails."""
    raise LookupError("the part failed")
