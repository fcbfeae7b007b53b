"""Measure a machine with a GPU: ``python -m bench.gpu [--device cuda:0] [--out FILE] [--only STEP,…] [--quick]``.

Weights are made here, of random numbers, so no network is needed. Each step has its own process and its own limit; all
limits together are nine minutes. What a step needs and this machine lacks is named as skipped. ``--quick`` rehearses
with tiny weights, also with ``--device cpu``.
"""

import argparse
import os
import platform as machine
import tempfile
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.gpu.site import Figures, Site
from bench.gpu.steps import LIMIT_S, STEPS, run_all

PACKAGES = (
    "headrace",
    "torch",
    "transformers",
    "accelerate",
    "sentence-transformers",
    "diffusers",
    "xllamacpp",
    "vllm",
)


def about(site: Site) -> Figures:
    """The machine and what is installed."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": site.device,
        "quick": site.quick,
        "limit_s": LIMIT_S,
        "cores": os.cpu_count(),
        "machine": machine.machine(),
        "python": machine.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def flat(value: Any) -> str:
    """A part's figures on one line."""
    if isinstance(value, dict):
        return "; ".join(f"{name} {flat(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return " | ".join(flat(inner) for inner in value)
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def summary(found: Figures) -> Table:
    """All figures, a row for each part."""
    table = Table("step", "status", "s", "part", "figures", title=f"Headrace on {found['about']['device']}")
    for name, step in found["steps"].items():
        table.add_section()
        table.add_row(name, step["status"], f"{step['seconds']:.1f}")
        for part, value in step["figures"].items():
            table.add_row("", "", "", part, flat(value))
    return table


def main() -> None:
    """Run the steps, write the figures after each, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--out", type=Path, default=Path("gpu.json"), help="where the figures go, as JSON")
    parser.add_argument("--only", default=",".join(step.name for step in STEPS))
    parser.add_argument("--quick", action="store_true", help="tiny weights and few requests")
    arguments = parser.parse_args()
    steps = [step for step in STEPS if step.name in arguments.only.split(",")]
    console = Console(width=200)
    with tempfile.TemporaryDirectory(prefix="hr-gpu-", ignore_cleanup_errors=True) as folder:
        site = Site(arguments.device, arguments.quick, folder)
        found = run_all(steps, site, about(site), arguments.out, console.print)
    console.print(summary(found))


if __name__ == "__main__":
    main()
