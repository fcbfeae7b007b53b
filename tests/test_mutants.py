"""The list of faults is of this source, and the script that tries them can tell what it must."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants import faults
from tests.mutants.faults import Fault, Stale
from tests.mutants.trial import ROOT, Outcome, Tree, Verdict, judge

ALL = faults.read()


@pytest.mark.parametrize("fault", ALL, ids=[f"{one.file}: {one.why}" for one in ALL])
def test_a_fault_is_one_of_this_source(fault: Fault) -> None:
    ast.parse(fault.put_into((ROOT / fault.file).read_text(encoding="utf-8")))
    assert fault.old != fault.new
    for test in fault.tests:
        path, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}" in (ROOT / path).read_text(encoding="utf-8")


def test_each_fault_is_known_by_its_reason() -> None:
    assert [why for why, times in Counter(one.why for one in ALL).items() if times > 1] == []


def test_a_place_that_is_not_the_only_one_is_stale() -> None:
    fault = Fault("a.py", "1", "2", (), "")
    for text in ("x = 0", "x = 1 + 1"):
        with pytest.raises(Stale):
            fault.put_into(text)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(0, Verdict.SURVIVED), (1, Verdict.KILLED), (None, Verdict.KILLED), (2, Verdict.STALE), (4, Verdict.STALE)],
)
def test_the_verdict_is_in_the_exit_code(code: int | None, verdict: Verdict) -> None:
    assert judge(code, "").verdict is verdict


def test_a_fault_is_tried_in_a_copy_that_is_as_before_then(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    source, test = tmp_path / "counted.py", tmp_path / "test_counted.py"
    source.write_text("def more(n):\n    return n + 1\n")
    test.write_text("from counted import more\n\ndef test_more():\n    assert more(1) == 2\n")
    tried = {
        new: tree.try_out(Fault("counted.py", "n + 1", new, ("test_counted.py",), ""), 100).verdict
        for new in ("n + 2", "1 + n", "n + (")
    }
    assert [*tried.values()] == [Verdict.KILLED, Verdict.SURVIVED, Verdict.STALE]
    assert tree.try_out(Fault("counted.py", "n - 1", "n", ("test_counted.py",), ""), 100).verdict is Verdict.STALE
    assert source.read_text() == "def more(n):\n    return n + 1\n"
    assert tree.check(("test_counted.py",), 100) == ""


def test_a_run_without_end_is_ended(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    (tmp_path / "looping.py").write_text("going = False\n")
    (tmp_path / "test_looping.py").write_text("import looping\n\ndef test_it():\n    while looping.going: pass\n")
    fault = Fault("looping.py", "False", "True", ("test_looping.py",), "")
    assert tree.try_out(fault, 5) == Outcome(Verdict.KILLED, "it hangs")
