"""A newer catalogue, taken by command beside a gateway that runs."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from models.engines import MODEL_TYPES
from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack, clean_environment

pytestmark = pytest.mark.e2e


def catalogue(stack: Stack, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-m", "api.cli", "catalogue", *words]
    env = {**clean_environment(), "HEADRACE_HOME": str(stack.home)}
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False, timeout=60)


def names(stack: Stack) -> list[str]:
    listed = httpx.get(f"{stack.url}/v1/model_registrations/embedding").json()
    return [one["model_name"] for one in listed]


def test_a_gateway_that_runs_uses_a_newer_catalogue_at_once(new_stack: StackFactory, tmp_path: Path) -> None:
    stack, file = new_stack(), tmp_path / "newer.jsonl"
    assert "bge-m3" in names(stack)
    assert catalogue(stack).stdout.startswith("in use: the shipped catalogue, ")
    spec = {"format": "ct2", "hf": {"repo": "a/b"}}
    file.write_text("\n".join(json.dumps({"name": f"new-{one}", "type": one, "specs": [spec]}) for one in MODEL_TYPES))

    done = catalogue(stack, "update", str(file))

    assert (done.returncode, ", 6 families" in done.stdout) == (0, True), done.stderr
    assert names(stack) == ["minilm", "new-embedding"]
    file.write_text(file.read_text() + "\n{")
    broken = catalogue(stack, "update", str(file))
    assert (broken.returncode, broken.stderr.startswith("headrace: line 7 is no entry")) == (1, True), broken.stderr
    assert names(stack) == ["minilm", "new-embedding"]
    assert catalogue(stack, "rollback").returncode == 0
    assert "bge-m3" in names(stack)
    refused = catalogue(stack, "update", "http://127.0.0.1:9/x")
    assert (refused.returncode, "https alone" in refused.stderr) == (1, True)
    missing = catalogue(stack, "update", str(tmp_path / "nothing"))
    assert (missing.returncode, "Traceback" in missing.stderr) == (1, False)
