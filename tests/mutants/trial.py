"""One trial: a fault in a copy of the tree, the tests that should notice it, and what came of it."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.mutants.faults import Fault, Stale
from tests.mutants.unshrunk import PROFILE

ROOT = Path(__file__).parents[2]
PYTEST = ("-m", "pytest", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider")
UNSHRUNK = ("-p", "tests.mutants.unshrunk", f"--hypothesis-profile={PROFILE}")
HANG_S = 60
"""A test that takes longer hangs."""

_ages = itertools.count(1)


class Verdict(StrEnum):
    """What came of a trial."""

    KILLED = "killed"
    SURVIVED = "survived"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict, and what is to be said of it."""

    verdict: Verdict
    detail: str = ""


class Tree:
    """A scratch copy of the working tree, in which one fault at a time is tried."""

    def __init__(self, folder: Path, root: Path = ROOT) -> None:
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, folder / name)

    def check(self, tests: tuple[str, ...], limit_s: float) -> str:
        """Run these tests without any fault; what they say unless all pass, else nothing."""
        code, said = self._run(tests, limit_s)
        return "" if code == 0 else said

    def try_out(self, fault: Fault, limit_s: float) -> Outcome:
        """Run the fault's tests with the fault in its place."""
        try:
            with self._with(fault):
                code, said = self._run(fault.tests, limit_s, "-x")
        except (OSError, Stale) as error:
            return Outcome(Verdict.STALE, str(error))
        return judge(code, said)

    @contextlib.contextmanager
    def _with(self, fault: Fault) -> Iterator[None]:
        path = self.folder / fault.file
        text = path.read_text(encoding="utf-8")
        try:
            _write(path, fault.put_into(text))
            yield
        finally:
            _write(path, text)

    def _run(self, tests: tuple[str, ...], limit_s: float, *options: str) -> tuple[int | None, str]:
        """pytest's exit code, None where it came to no end; and what it said last."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            [sys.executable, *PYTEST, *UNSHRUNK, *options, f"--timeout={HANG_S}", *tests],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        late = threading.Timer(limit_s, _kill, [process])
        late.start()
        try:
            said, _ = process.communicate()
        finally:
            late.cancel()
            _kill(process)
        code = process.returncode
        return (None if code < 0 else code), said[-4000:]


def judge(code: int | None, said: str) -> Outcome:
    """The verdict on a run by its exit code. https://docs.pytest.org/en/stable/reference/exit-codes.html"""
    if code == 0:
        return Outcome(Verdict.SURVIVED)
    if code is None:
        return Outcome(Verdict.KILLED, "it hangs")
    return Outcome(Verdict.KILLED) if code == 1 else Outcome(Verdict.STALE, said)


def _write(path: Path, text: str) -> None:
    """Write a source whose time is new: Python must not take it for the one that it has compiled."""
    path.write_text(text, encoding="utf-8")
    age = next(_ages)
    os.utime(path, (age, age))


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
