"""Runs steps one after the other, each in a process of its own.

When its time is up that is killed, with all that it has started.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import environ
from pathlib import Path
from typing import Any

import psutil

from bench.gpu.site import Figures, Site, read, write
from models.process.processes import kill_group, spawn

LIMIT_S = 540
"""The whole script takes no longer, but for the moments in which killed processes end."""
LOG_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Step:
    """``module`` has ``async def run(site)``; ``limit_s`` are the seconds that are kept for the step."""

    name: str
    module: str
    limit_s: float


STEPS = (
    Step("facts", "bench.gpu.facts", 30),
    Step("weights", "bench.gpu.loading", 85),
    Step("launches", "bench.gpu.launches", 95),
    Step("streams", "bench.gpu.streams", 125),
    Step("echo", "bench.gpu.echo", 65),
    Step("endings", "bench.gpu.endings", 60),
    Step("numbers", "bench.gpu.numbers", 45),
    Step("assertion", "bench.gpu.assertion", 25),
)


def run_all(
    steps: Sequence[Step], site: Site, about: Figures, out: Path, show: Callable[[str], None], whole_s: float = LIMIT_S
) -> Figures:
    """Run the steps and write all figures after each. Raises nothing for a step that fails or hangs.

    A step may also use the time that earlier ones have left, but none of that which later ones need.
    """
    found: Figures = {"about": about, "steps": {}}
    write(out, found)
    until = time.monotonic() + whole_s
    for number, step in enumerate(steps, 1):
        later = sum(one.limit_s for one in steps[number:])
        step = replace(step, limit_s=max(until - later - time.monotonic(), 0.0))
        show(f"{step.name} (at most {step.limit_s:.0f} s) …")
        found["steps"][step.name] = result = run_one(step, site)
        write(out, found)
        show(f"{step.name}: {result['status']} after {result['seconds']:.1f} s")
    return found


def run_one(step: Step, site: Site) -> Figures:
    """One step: its status, the seconds that it took, its figures as far as they are known, and why it failed."""
    folder = Path(site.folder) / f"step-{step.name}"
    folder.mkdir()
    figures, log = folder / "figures.json", folder / "log"
    began = time.monotonic()
    with log.open("wb") as output:
        process = spawn(
            [sys.executable, "-m", "bench.gpu.child", step.module, replace(site, figures=str(figures)).text()],
            env=dict(environ) | {"TMPDIR": str(folder)},  # what a killed process leaves goes with the folder
            stdout=output,
            stderr=output,
        )
        code = _wait(process, step.limit_s)
    known = read(figures)
    result = {"status": status(code, known), "seconds": time.monotonic() - began, "limit_s": step.limit_s}
    if result["status"] in ("failed", "timed out"):
        result["log"] = log.read_text(encoding="utf-8", errors="replace")[-LOG_CHARACTERS:]
    return result | {"figures": known}


def status(code: int | None, figures: Figures) -> str:
    """What became of a step. ``code`` is its process's, None: its time was up."""
    if code is None:
        return "timed out"
    parts = [value for value in figures.values() if isinstance(value, str)]
    if code or any(value.startswith("failed") for value in parts):
        return "failed"
    return "skipped" if figures and len(parts) == len(figures) else "done"


def _wait(process: "subprocess.Popen[bytes]", limit_s: float) -> int | None:
    """Its exit code, or None where it had to be killed."""
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process with all that it has started, whatever sessions that is in."""
    family: list[Any] = []
    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
    kill_group(process.pid, signal.SIGKILL)
    for child in family:
        if child.is_running():
            child.kill()
    process.wait()
    psutil.wait_procs(family, 10)
