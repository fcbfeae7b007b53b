"""Scratch folders: gone with their block, and after a kill with the next start."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from models.storage import scratch

HOLD = "from models.storage import scratch\nwith scratch.folder() as path:\n    print(path, flush=True)\n    input()"


def test_a_folder_goes_with_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch.folder() as path:
        (path / "file").write_text("x")
        scratch.clear()
        assert (path / "file").read_text() == "x"
    assert not path.exists()


def test_what_a_killed_process_left_is_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "headrace-others").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[3])},
    ) as holder:
        assert holder.stdout is not None
        path = Path(holder.stdout.readline().strip())
        scratch.clear()
        assert path.is_dir()
        holder.send_signal(signal.SIGKILL)
    scratch.clear()
    assert [one.name for one in tmp_path.iterdir()] == ["headrace-others"]
