"""What a runner holds of the machine's memory (workers.runner.memory)."""

import mmap
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from workers.runner.memory import family, held

MIB = 1 << 20


def test_a_file_that_is_mapped_is_told_apart(tmp_path: Path) -> None:
    """As llama.cpp maps its weights: the machine counts them as available."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux says it")
    file = tmp_path / "weights"
    file.write_bytes(b"x" * 64 * MIB)
    before, mapped_before = held([psutil.Process()])
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as view:
        assert view[:: mmap.PAGESIZE].count(b"x") == 64 * MIB // mmap.PAGESIZE
        total, mapped = held([psutil.Process()])
    assert abs(mapped - mapped_before - 64 * MIB) < 8 * MIB
    assert total - before > 48 * MIB
    anonymous = bytearray(64 * MIB)
    assert held([psutil.Process()])[1] < mapped_before + 8 * MIB
    assert len(anonymous) == 64 * MIB


def test_those_that_it_started_count_and_those_that_have_ended_do_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", "print(flush=True); input()"], stdin=-1, stdout=-1)
    assert child.stdout
    child.stdout.readline()
    there = family(psutil.Process())
    assert child.pid in [one.pid for one in there]
    assert held(there)[0] > held(there[:1])[0]
    child.communicate(b"\n")
    assert held([one for one in there if one.pid == child.pid]) == (0, 0)
