"""What tests leave in cycles of references is given back."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCE = """
import gc
import weakref

gc.disable()
left = []

class Network:
    def __init__(self):
        self.me = self
        self.weights = bytearray(SIZE)
        self.weights[::4096] = bytes(len(range(0, SIZE, 4096))).replace(b"\\0", b"\\1")

def test_one():
    left.append(weakref.ref(Network()))

def test_two():
    assert (left[0]() is None) is GONE
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a process is read from /proc")
@pytest.mark.parametrize(("size", "gone"), [(400 << 20, True), (4096, False)])
def test_what_a_test_leaves_is_looked_for_once_there_is_much(tmp_path: Path, size: int, gone: bool) -> None:
    source = SOURCE.replace("SIZE", str(size)).replace("GONE", str(gone))
    (tmp_path / "test_it.py").write_text(source)
    options = ["-q", "-p", "tests.support.plugins.memory", "--rootdir", str(tmp_path)]
    env = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
