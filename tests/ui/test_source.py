"""Rules of the interface's source: size, directions, words."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy import ui
from models import errors

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "api" / "ui"
SOURCE = FOLDER / "src"
FILES = sorted(path for path in SOURCE.rglob("*.ts*") if path.name != "schema.d.ts")
LANGUAGES = sorted(path.parent for path in (SOURCE / "i18n").glob("*/index.ts"))
LINES, MEAN_BYTES = 200, 3000

BELOW = {"lib": 0, "api": 1, "i18n": 1, "styles": 1, "ui": 2, "markdown": 3, "parts": 3, "features": 4}
"""Folders, each of which may import those below it, and itself."""

NO_PAGE_MEETS = {"invalid_json_line", "invalid_range", "previous_response_not_found"} | {
    "thread_unsupported_request",
    "unsupported_media_type",
}
"""Errors of what the interface never asks."""

IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")
EAGER = re.compile(r'^\s*(?:import|export)\s+(?!type\b)(?:[^;"]*?from\s+)?"(\.[^"]+)"', re.M)
KEY = re.compile(r"""\bt\(\s*["']([\w.]+)["']""")
LITERAL = re.compile(r">\s*([A-Za-z][a-z]+(?: [A-Za-z]+)*)[^<>{}]*</")
SAID = ("aria-label", "title", "placeholder", "alt", "label")


def keys_of(words: dict[str, Any], before: str = "") -> set[str]:
    """The keys of all texts, each with the names of what it lies in."""
    found = set()
    for name, value in words.items():
        found |= keys_of(value, f"{before}{name}.") if isinstance(value, dict) else {before + name}
    return found


def test_npm_finds_no_fault() -> None:
    node, npm = ui.tools(FOLDER, Path(sys.prefix))
    env = {**os.environ, "PATH": f"{Path(node).parent}:/usr/bin:/bin"}
    done = subprocess.run([*npm, "run", "check"], cwd=FOLDER, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_small() -> None:
    sizes = {path: path.stat().st_size for path in FILES}
    assert sum(sizes.values()) / len(sizes) < MEAN_BYTES
    assert [path for path in FILES if len(path.read_text().splitlines()) > LINES] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_one_way(path: Path) -> None:
    here = path.relative_to(SOURCE).parts
    if len(here) == 1 or here[0] == "pages":  # main, the router and its pages, which see all
        return
    for target in IMPORT.findall(path.read_text()):
        there = (path.parent / target).resolve().relative_to(SOURCE.resolve()).parts
        assert BELOW[there[0]] < BELOW[here[0]] or there[0] == here[0], f"{path} imports {target}"
        if here[0] == there[0] == "features":
            assert here[1] == there[1], f"{path} imports another feature: {target}"


def words_of(language: Path) -> dict[str, Any]:
    """All texts of a language: a file an area."""
    return {path.stem: json.loads(path.read_text()) for path in language.glob("*.json")}


def test_languages_say_the_same_things() -> None:
    keys = {path.name: keys_of(words_of(path)) for path in LANGUAGES}
    assert len({frozenset(found) for found in keys.values()}) == 1, keys
    for path in LANGUAGES:
        assert '""' not in json.dumps(words_of(path))


def test_every_error_of_the_api_is_explained() -> None:
    explained = words_of(SOURCE / "i18n" / "en")["cause"]
    assert set(explained) == set(errors._by_code()) - NO_PAGE_MEETS


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    there = keys_of(words_of(SOURCE / "i18n" / "en"))
    source = "\n".join(path.read_text() for path in FILES)
    assert set(KEY.findall(source)) <= there | {key.rsplit("_", 1)[0] for key in there}
    made = [re.escape(one) for one in re.findall(r"\bt\(\s*`([\w.]+)\$\{", source)]
    plain = {re.sub(r"_(zero|one|two|few|many|other)$", "", key) for key in there}
    unused = {key for key in plain if f'"{key}"' not in source and not any(re.match(one, key) for one in made)}
    assert unused == set()


def test_the_first_page_has_its_words() -> None:
    """The words of other pages come with those."""
    entries = [SOURCE / "main.tsx", *(SOURCE / "features" / "overview").glob("OverviewPage.tsx")]
    sources = [path.read_text() for path in reached(entries)]
    assert len(sources) > 50
    for language in LANGUAGES:
        later = re.findall(r'from "\./(\w+)\.json"', (language / "pages.ts").read_text())
        used = {area for area in later if any(re.search(rf'["`]{area}\.', text) for text in sources)}
        assert used == set(), language


def reached(entries: list[Path]) -> set[Path]:
    """The files that these import, and so on: not those that are fetched later, nor types."""
    found: set[Path] = set()
    waiting = list(entries)
    while waiting:
        path = waiting.pop()
        if path in found or path.suffix not in (".ts", ".tsx"):
            continue
        found.add(path)
        for name in EAGER.findall(path.read_text()):
            there = path.parent / name
            ways = (there, there / "index.ts", *(there.with_name(there.name + end) for end in (".ts", ".tsx")))
            waiting += [way.resolve() for way in ways if way.is_file()]
    return found


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".tsx"], ids=lambda path: path.name)
def test_components_hold_no_words(path: Path) -> None:
    text = path.read_text()
    assert LITERAL.findall(text) == []
    assert [name for name in SAID if re.search(rf'\b{name}="[A-Za-z]{{2}}', text)] == []


def test_nothing_writes_html_or_asks_elsewhere() -> None:
    for path in FILES:
        if ".test." in path.name:  # which no browser loads
            continue
        text = path.read_text()
        assert "innerHTML" not in text, path
        assert "dangerouslySetInnerHTML" not in text, path
        assert not re.search(r"https?://(?!www\.w3\.org)", text), path
