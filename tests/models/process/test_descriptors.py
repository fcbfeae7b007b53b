"""The limit on descriptors, of processes that start with a low one."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("soft", "hard"), [(64, 128), (128, 128)])
def test_the_soft_limit_is_raised_to_the_hard_one(soft: int, hard: int) -> None:
    code = "import resource; from models.process.descriptors import raise_limit as r;"
    code += "print(r(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
    limited = f'ulimit -S -n {soft} && ulimit -H -n {hard} && exec "$@"'
    command = ["sh", "-c", limited, "sh", sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["128"] * 3
