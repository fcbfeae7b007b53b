"""Which files of a repository are wanted, by patterns as ``fnmatch`` has them. Pure."""

from collections.abc import Iterable
from fnmatch import fnmatch

Which = tuple[list[str], list[str]]
"""Patterns of files to fetch, and of those to leave."""


def matching(names: Iterable[str], which: Which) -> list[str]:
    """Those of the names that are to be fetched, in their order."""
    wanted, unwanted = which
    return [
        name
        for name in names
        if any(fnmatch(name, each) for each in wanted) and not any(fnmatch(name, each) for each in unwanted)
    ]
