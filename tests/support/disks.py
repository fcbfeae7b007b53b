"""A disk of memory that is as small as a test wants it, in a namespace of its own: no rights are needed, but Linux."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def on_a_disk_of(size: int, tmp_path: Path, script: str) -> str:
    """What a Python script says whose first argument is a disk of ``size`` bytes. Skips where there is none."""
    if shutil.which("unshare") is None:
        pytest.skip("Linux's unshare makes the disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size={size} none "$2" && exec "$0" -c "$1" "$2"'
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", mount, sys.executable, script, str(disk)],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this machine lets nobody mount a disk of memory")
    assert done.returncode == 0, done.stderr
    return done.stdout
