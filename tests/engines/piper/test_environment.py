"""Piper lives in an environment of its own, since its library is under the GPL: its tests run there, on one voice."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest

from models.engines import FACTS
from tests.e2e.stack import clean_environment
from tests.support.piper import FOLDER, piper_python, piper_voice

ROOT = Path(__file__).parents[3]
GPL = re.compile(r"piper-tts|piper-phonemize|espeak|phonemizer", re.IGNORECASE)
"""Packages with espeak-ng in them, which is under the GPL."""


@pytest.mark.weights
def test_piper_passes_its_tests_in_its_environment(tmp_path: Path) -> None:
    command = [piper_python(), "-m", "pytest", "-q", "-W", "default", "--timeout", "200"]
    command += [f"--basetemp={tmp_path}/theirs", "tests/engines/piper/test_engine.py"]
    environment = clean_environment() | {FOLDER: str(piper_voice())}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-5000:]
    assert re.search(r"\d+ passed", done.stdout)
    assert "skipped" not in done.stdout


def test_our_environment_has_neither_piper_nor_espeak() -> None:
    assert find_spec("piper") is None
    assert [one for one in metadata.packages_distributions() if GPL.search(one)] == []
    assert [one.name for one in metadata.distributions() if GPL.search(one.name)] == []


def test_nothing_but_pipers_environment_asks_for_it() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = asked["optional-dependencies"]
    everything = {name: GPL.findall(" ".join(extras[name])) for name in extras} | {
        "": GPL.findall(" ".join(asked["dependencies"]))
    }
    assert {name for name, found in everything.items() if found} == {FACTS["piper"].extra}

    pins = (
        ROOT / "constraints.txt",
        *(ROOT / "deploy").glob("*constraints.txt"),
        *ROOT.glob("tests/*/requirements.txt"),
    )
    assert [one.name for one in pins if GPL.search(one.read_text())] == ["piper.constraints.txt"]
    lines = (ROOT / "deploy/piper.constraints.txt").read_text().split()
    assert "piper-tts==1.8.0" in lines
    assert "piper-tts==1.8.0" in extras["piper"]


def test_one_file_imports_it() -> None:
    found = re.compile(r"^\s*(?:from|import) (?:piper|espeakbridge)\b", re.MULTILINE)
    ours = [
        one for folder in ("api", "models", "workers", "migrations", "bench") for one in (ROOT / folder).rglob("*.py")
    ]
    importing = [one for one in ours if found.search(one.read_text(encoding="utf-8"))]
    assert [str(one.relative_to(ROOT)) for one in importing] == ["workers/engines/piper/load.py"]


def test_what_the_environment_has_is_what_is_pinned() -> None:
    """Each package once: those that our own environment has, too, have the same version there."""
    freeze = [str(Path(sys.prefix) / "bin" / "uv"), "pip", "freeze", "--python", piper_python()]
    done = subprocess.run(freeze, capture_output=True, text=True, check=True)
    installed = {line for line in done.stdout.splitlines() if not line.startswith("-e")}
    pinned = {
        *(ROOT / "constraints.txt").read_text().split(),
        *(ROOT / "deploy/piper.constraints.txt").read_text().split(),
    }

    assert installed <= pinned
