"""``headrace worker --device cuda``: a worker for each GPU of a machine, without the rest of ``headrace up``."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from api.local import home
from api.local.console import Console
from api.local.foreground import Foreground
from api.local.process_specs import ProcessSpecs
from api.local.supervisor import Supervisor
from api.local.tails import Tails
from models.errors import InvalidRequest
from models.launching import devices
from models.settings import Settings


def run(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM; a second one ends everything at once. The workers' logs are printed.

    Raises HeadraceError if this machine has no GPU that can be used, or a worker dies too often.
    """
    if not settings.redis_url:
        raise InvalidRequest("HEADRACE_REDIS_URL is not set")
    settings = Settings(**settings.model_dump() | {"home": settings.home.expanduser().absolute()})
    found = devices.survey()
    names = devices.gpu_names(found)
    if not names:
        raise InvalidRequest("; ".join(["this machine has no NVIDIA GPU that can be used", *found.notes]))
    console = Console()
    for note in found.notes:
        console.say(f"note: {note}")
    folder = settings.home / "nodes" / settings.node  # others of this home may supervise the workers of other nodes
    with home.locked(folder):
        asyncio.run(_supervise(settings, names, folder, console))


async def _supervise(settings: Settings, names: Sequence[str], folder: Path, console: Console) -> None:
    supervisor, tails = Supervisor(folder, console.say), Tails(folder / "logs", console.say)
    specs = ProcessSpecs(settings)
    try:
        for name in names:
            supervisor.start(specs.worker(name))
        await Foreground(supervisor, console).run(tails.follow())
        tails.step()
    finally:
        await specs.close()
