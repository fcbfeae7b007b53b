"""A step that never ends, after its first figure, and neither does a process of another session that it starts."""

import sys
import time

from bench.gpu.site import Figures, Site
from models.process.processes import spawn


async def run(site: Site) -> None:
    """Measure one part, then stand still without letting go of the event loop."""
    await site.measure(child=child)
    time.sleep(3600)  # noqa: ASYNC251 - as a library does that has lost its GPU


async def child(site: Site) -> Figures:
    """The id of a process that ignores being asked to end."""
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(3600)"
    )
    process = spawn([sys.executable, "-c", code], stdout=-1)
    assert process.stdout is not None
    process.stdout.readline()
    return {"pid": process.pid}
