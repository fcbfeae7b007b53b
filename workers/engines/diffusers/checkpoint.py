"""What a loaded pipeline shows of itself, by which the defaults of its checkpoint are found."""

from pathlib import Path
from typing import Any

from models.launching import hub
from models.launching.defaults.pictures import Checkpoint


def shown_by(base: Any, source: Path) -> Checkpoint:
    """What a loaded pipeline shows of itself."""
    network = getattr(base, "unet", None) or getattr(base, "transformer", None)
    scheduler = getattr(base, "scheduler", None)
    return Checkpoint(
        pipeline=type(base).__name__,
        name=hub.name_of(source),
        index=dict(base.config),
        network=dict(getattr(network, "config", {})),
        scheduler=type(scheduler).__name__,
        scheduling=dict(getattr(scheduler, "config", {})),
    )
