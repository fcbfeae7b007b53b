"""The faults, read from ``faults.toml``: one changed place each, and the tests that must notice it."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("faults.toml")


class Stale(Exception):
    """The source is not any more what this fault was written for."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: ``old`` stands once in ``file``, and ``new`` in its place is wrong, for the reason ``why``.

    ``file`` is relative to the root of the tree, ``tests`` are what pytest is called with.
    """

    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str

    def put_into(self, text: str) -> str:
        """The text of the file with the fault in it. Raises Stale unless ``old`` is there exactly once."""
        if (times := text.count(self.old)) != 1:
            raise Stale(f"{self.file} has {times} times: {self.old}")
        return text.replace(self.old, self.new)


def read(path: Path = LIST) -> list[Fault]:
    """All faults of the list, in its order."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["fault"]
    return [Fault(**row | {"tests": tuple(row["tests"])}) for row in rows]
