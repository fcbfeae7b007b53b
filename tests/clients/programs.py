"""The programs of others that the tests run, and how: an interpreter of their own, or node with what npm installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.stack import Stack, clean_environment

HERE = Path(__file__).parent
CLIENTS = HERE.parent.parent / ".venv-clients"
MODULES = CLIENTS / "node_modules"
LIMIT_S = 390


def python() -> str:
    """The interpreter of the Python clients. Skips where they are not installed."""
    found = CLIENTS / "bin" / "python"
    if not found.exists():
        pytest.skip("the clients' environment is not installed: make .venv-clients/.installed")
    return str(found)


def node() -> str:
    """Node, where the packages of npm are. Skips elsewhere."""
    found = shutil.which("node")
    if found is None or not MODULES.exists():
        pytest.skip("the clients' packages of npm are not installed: make .venv-clients/.installed-npm")
    return found


def ran(stack: Stack, command: list[str], **environment: str) -> str:
    """What a program printed. Raises AssertionError, with what it and the gateway said, if it failed."""
    about = clean_environment() | {"PATH": os.environ["PATH"]} | environment
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, env=about, cwd=HERE, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{stack.log('gateway')[-3000:]}"
    return done.stdout
