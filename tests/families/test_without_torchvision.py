"""Where torchvision is not installed, what needs none is the library's, and what needs it is refused by its name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HIDING = ROOT / "tests" / "support" / "without_torchvision"
SEEING = "tests/families/test_seeing.py::test_it_answers_as_the_library_does"
QUICK = (
    "tests/engines/transformers/test_processor.py::test_pictures_need_no_torchvision",
    "tests/families/drawn/test_edits.py::test_a_processor_that_needs_torchvision_is_refused_without_it",
    f"{SEEING}[smolvlm]",
)
REST = tuple(f"{SEEING}[{one}]" for one in ("qwen2_5_vl", "qwen2_5_omni", "llava_onevision", "internvl", "glm4v"))


@pytest.mark.parametrize("tests", [QUICK, pytest.param(REST, marks=pytest.mark.families)], ids=["quick", "rest"])
def test_without_torchvision(tests: tuple[str, ...]) -> None:
    paths = os.pathsep.join([str(HIDING), str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", "-q", "-m", "families or not families", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(rf"^{len(tests)} passed", done.stdout, re.M), done.stdout[-3000:]
