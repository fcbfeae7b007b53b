"""The project's own Python files."""

from collections.abc import Iterator
from pathlib import Path


def python_files(folder: Path, pattern: str = "*.py") -> Iterator[Path]:
    """Those below a folder, in no order; some of npm's packages hold others', which are left out."""
    return (path for path in folder.rglob(pattern) if path.is_file() and "node_modules" not in path.parts)
