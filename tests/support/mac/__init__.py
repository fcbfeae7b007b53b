"""A Linux that lacks what macOS lacks: to be put on the ``PYTHONPATH`` of real processes (``environment``)."""

import os
from pathlib import Path

HERE = Path(__file__).parent


def environment(switches: Path) -> dict[str, str]:
    """What makes a Python process behave as on a Mac.

    While the folder ``switches`` holds a file ``no-limits``, a new process cannot set any limit at all.
    """
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", str(HERE.parents[2]))])
    return {"PYTHONPATH": path, "MAC_SWITCHES": str(switches)}
