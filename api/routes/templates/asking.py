"""A chat template rendered by a process that lives for it alone, and is given up when it takes too long."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from api.shapes.templates import TemplateFault
from models.process.processes import kill_group, spawn

SCRIPT = Path(__file__).with_name("rendering.py")
WITHIN_S = 8.0
"""How long a template may take, with the start of its process."""


def rendered(template: str, variables: dict[str, Any]) -> tuple[str | None, TemplateFault | None]:
    """What a template writes, or what is wrong with it. Blocks. ``variables``: what JSON can hold.

    Raises RecursionError for variables that are nested too deeply.
    """
    job = json.dumps({"template": template, "variables": variables}).encode()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = spawn([sys.executable, "-I", str(SCRIPT)], env={}, cwd="/", **pipes)  # type: ignore[arg-type]
    try:
        said, _ = process.communicate(job, timeout=WITHIN_S)
    except subprocess.TimeoutExpired:
        return None, _slow()
    finally:
        if process.poll() is None:
            kill_group(process.pid)
            process.communicate()
    if process.returncode in (-signal.SIGALRM, -signal.SIGXCPU, -signal.SIGKILL):
        return None, _slow()
    if process.returncode:
        return None, {"kind": "too_large", "line": None, "message": "it needs more memory than it may have"}
    answer = json.loads(said)
    return answer.get("text"), answer.get("error")


def _slow() -> TemplateFault:
    return {"kind": "too_slow", "line": None, "message": "it is not done in the time that it has"}
