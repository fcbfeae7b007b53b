"""In CI a skip that is not listed fails the run, whichever process skipped and when."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.plugins.skips import Skip, stale, unlisted

ROOT = Path(__file__).parents[3]
LISTED = Skip("tests/test_a.py::test_it", "no weights of *", "they are large")
SOURCES = {
    "test_sound.py": "def test_it():\n    pass\n",
    "test_once.py": (
        'import pytest\n@pytest.mark.parametrize("n", [1, 2])\ndef test_it(n):\n    pytest.skip("of no use")\n'
    ),
    "test_whole.py": 'import pytest\npytest.skip("of no use", allow_module_level=True)\n',
}


@pytest.mark.parametrize(
    ("test", "reason", "listed"),
    [
        ("tests/test_a.py::test_it", "no weights of Whisper", True),
        ("tests/test_a.py::test_it", "no engine", False),
        ("tests/test_a.py::test_it_too", "no weights of Whisper", False),
        ("tests/test_b.py::test_it", "no weights of Whisper", False),
    ],
)
def test_a_skip_is_listed_by_its_test_and_its_reason(test: str, reason: str, listed: bool) -> None:
    skipped = [Skip(test, reason)]
    assert unlisted(skipped, [LISTED]) == ([] if listed else skipped)
    assert stale(skipped, [LISTED]) == ([] if listed else [LISTED])


@pytest.mark.parametrize("processes", ["0", "2"])
def test_in_ci_a_skip_that_is_not_listed_fails_the_run(tmp_path: Path, processes: str) -> None:
    done = run(tmp_path, *SOURCES, "--numprocesses", processes, ci=True)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    told = [one for one in done.stdout.splitlines() if one.startswith("SKIPPED, and not listed")]
    assert [one.split(": ", 1)[1] for one in told] == ["test_once.py::test_it: of no use", "test_whole.py: of no use"]


def test_elsewhere_a_skip_is_no_failure(tmp_path: Path) -> None:
    done = run(tmp_path, *SOURCES, ci=False)
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
    assert "not listed" not in done.stdout


def test_in_ci_a_run_without_skips_passes_and_names_what_is_listed_in_vain(tmp_path: Path) -> None:
    done = run(tmp_path, "test_sound.py", ci=True)
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
    assert "Listed in tests/support/plugins/skips.py, and not skipped" in done.stdout
    assert "Listed" not in run(tmp_path, "test_sound.py", "-k", "it", ci=True).stdout


def run(folder: Path, *arguments: str, ci: bool) -> "subprocess.CompletedProcess[str]":
    """pytest with the plugin, over those of our files that are named."""
    for name in SOURCES.keys() & {*arguments}:
        (folder / name).write_text(SOURCES[name])
    options = [one for one in arguments if one not in SOURCES]
    env = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("PYTEST_")}
    env |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | ({"CI": "true"} if ci else {})
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "xdist.plugin",
        "-p",
        "tests.support.plugins.skips",
        "--rootdir",
        str(folder),
    ]
    return subprocess.run([*command, *options], cwd=folder, env=env, capture_output=True, text=True, check=False)
