"""Show that the tests notice faults: ``python -m tests.mutants [-j 2] [--only claims] [--limit 300]``.

Exit code 1 where a fault survives, where the source has moved on from one, or where tests fail without any.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.faults import Fault, read
from tests.mutants.trial import Outcome, Tree, Verdict


def main() -> int:
    """Try all faults of the list."""
    options = _options()
    faults = [one for one in read() if options.only in f"{one.file} {one.why}"]
    with ExitStack() as stack:
        trees: SimpleQueue[Tree] = SimpleQueue()
        for _ in range(options.jobs):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="headrace-mutants-"))
            trees.put(Tree(Path(folder)))
        if options.check and not _sound(trees, faults, options.limit):
            return 1
        with ThreadPoolExecutor(options.jobs) as pool:
            verdicts = Counter(pool.map(lambda fault: _try_out(trees, fault, options.limit), faults))
    print(", ".join(f"{verdicts[one]} {one}" for one in Verdict))
    return int(verdicts[Verdict.KILLED] < len(faults))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Show that the tests notice faults.")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="faults tried at once (2)")
    parser.add_argument("--only", default="", help="those whose file or reason has this in it")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds after which a run counts as hanging (300)")
    parser.add_argument("--no-check", dest="check", action="store_false", help="do not run the tests without a fault")
    return parser.parse_args()


def _sound(trees: "SimpleQueue[Tree]", faults: list[Fault], limit_s: float) -> bool:
    """Whether the tests pass without any fault: else it would seem that they notice every one."""
    tests = tuple(dict.fromkeys(test for one in faults for test in one.tests))
    tree = trees.get()
    said = tree.check(tests, limit_s * 10)
    trees.put(tree)
    if said:
        print(f"these tests fail without any fault\n{said}", file=sys.stderr)
    return not said


def _try_out(trees: "SimpleQueue[Tree]", fault: Fault, limit_s: float) -> Verdict:
    tree = trees.get()
    began = time.monotonic()
    try:
        outcome = tree.try_out(fault, limit_s)
    finally:
        trees.put(tree)
    print(_line(fault, outcome, time.monotonic() - began), flush=True)
    return outcome.verdict


def _line(fault: Fault, outcome: Outcome, took_s: float) -> str:
    line = f"{outcome.verdict:8} {took_s:5.1f} s  {fault.file}: {fault.why}"
    if outcome.verdict is Verdict.KILLED:
        return line + (f" ({outcome.detail})" if outcome.detail else "")
    return f"{line}\n  - {fault.old}\n  + {fault.new}\n  {' '.join(fault.tests)}\n{outcome.detail}"


if __name__ == "__main__":
    sys.exit(main())
