"""What a browser has to load, against what it may."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import ui

FOLDER = Path(__file__).parents[2] / "api" / "ui"
DIST = FOLDER / "dist"
FIRST_JS, FIRST_CSS, ALL_BYTES = 180_000, 15_000, 3_000_000
ROUTE_JS = 250_000


def packed(name: str) -> int:
    """The bytes of a built file, compressed as gzip does."""
    return len(gzip.compress((DIST / name).read_bytes(), 9))


def manifest() -> dict[str, dict[str, list[str]]]:
    """Vite's list of chunks: of each its file, its imports and its styles."""
    found: dict[str, dict[str, list[str]]] = json.loads((DIST / ".vite" / "manifest.json").read_text())
    return found


def loaded(*entries: str) -> set[str]:
    """All files that these chunks need, without what they load later."""
    chunks, found, waiting = manifest(), set(), list(entries)
    seen = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        chunk = chunks[name]
        found |= {str(chunk["file"]), *chunk.get("css", [])}
        waiting += chunk.get("imports", [])
    return found


def weight(files: set[str], ending: str) -> int:
    """The compressed bytes of those with this ending."""
    return sum(packed(name) for name in files if name.endswith(ending))


def first() -> list[str]:
    """What the first page needs: the entry, the overview, and a language."""
    return ["index.html", "src/features/overview/OverviewPage.tsx", "src/i18n/zh-CN/index.ts"]


def test_the_first_load_is_light() -> None:
    files = loaded(*first())
    assert weight(files, ".js") <= FIRST_JS
    assert weight(files, ".css") <= FIRST_CSS


@pytest.mark.parametrize("page", sorted(path.stem for path in DIST.parent.glob("src/features/*/*Page.tsx")))
def test_every_page_is_light(page: str) -> None:
    found = [name for name in manifest() if name.endswith(f"/{page}.tsx")]
    assert weight(loaded(*first(), "src/i18n/zh-CN/pages.ts", *found), ".js") <= ROUTE_JS


def test_all_of_it_is_small() -> None:
    files = [path for path in DIST.rglob("*") if path.is_file() and path.suffix not in (".gz", ".br")]
    assert sum(path.stat().st_size for path in files) <= ALL_BYTES


def test_the_page_holds_nothing_inline() -> None:
    html = (DIST / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert "<style" not in html
    assert re.findall(r"\b(?:src|href)=\"(?!\./)", html) == []


def test_it_is_built_of_what_an_installation_has(tmp_path: Path) -> None:
    """`make up` installs no package that only tests need."""
    tree = tmp_path / "ui"
    shutil.copytree(FOLDER, tree, ignore=shutil.ignore_patterns("node_modules", "dist", "dist.new"))
    for name, package in json.loads((FOLDER / "package-lock.json").read_text())["packages"].items():
        if name and not package.get("dev") and (FOLDER / name).exists():
            nested = shutil.ignore_patterns("node_modules")
            shutil.copytree(FOLDER / name, tree / name, ignore=nested, symlinks=True, dirs_exist_ok=True)
    node, _ = ui.tools(FOLDER, Path(sys.prefix))
    line = [node, "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"]
    done = subprocess.run(line, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tree / "dist" / "index.html").exists()
