"""The layout as a test: a folder is a process, an engine or a protocol, small enough to be seen at once."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import python_files

ROOT = Path(__file__).parent.parent
TIERS = ("api", "workers", "models")
SOURCES = sorted(path for tier in (*TIERS, "migrations", "bench", "tests") for path in python_files(ROOT / tier))
PACKAGES = sorted({path.parent for path in SOURCES})
MOST_MODULES = 16

SHARED_NAMES = {"Request", "Reply", "Stream"}
"""What every modality's module offers under the same name."""

MIRRORED = {"api": "api", "workers": "workers", "models": "models", "engines": "workers/engines"}
"""A folder of tests → the folder of source that it mirrors, subfolder by subfolder."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules_of(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.py") if path.name != "__init__.py"]


@pytest.mark.parametrize("folder", PACKAGES, ids=name_of)
def test_a_folder_can_be_seen_at_once(folder: Path) -> None:
    assert len(modules_of(folder)) <= MOST_MODULES


@pytest.mark.parametrize("folder", [one for one in PACKAGES if name_of(one).split("/")[0] in TIERS], ids=name_of)
def test_a_package_says_in_which_process_it_runs(folder: Path) -> None:
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert re.search(r"\b(Runs? in|[Uu]sed by|process(es)?)\b", said), said


@pytest.mark.parametrize("tier", TIERS)
def test_no_class_name_stands_twice_in_a_tier(tier: str) -> None:
    places = defaultdict(list)
    for path in python_files(ROOT / tier):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name_of(path))
    assert {name: where for name, where in places.items() if len(where) > 1 and name not in SHARED_NAMES} == {}


def mirrored_tests() -> Iterator[tuple[Path, str]]:
    """Test files that stand in a folder of the mirror, each with the package of source that it is about."""
    for folder, source in MIRRORED.items():
        for path in sorted(python_files(ROOT / "tests" / folder, "test_*.py")):
            inner = path.parent.relative_to(ROOT / "tests" / folder)
            if inner.parts:
                yield path, ".".join((*source.split("/"), *inner.parts))


@pytest.mark.parametrize(("path", "package"), [pytest.param(*pair, id=name_of(pair[0])) for pair in mirrored_tests()])
def test_tests_stand_where_what_they_test_stands(path: Path, package: str) -> None:
    assert (ROOT / package.replace(".", "/")).is_dir()
    text = path.read_text(encoding="utf-8")
    name = package.rpartition(".")[2]  # engines are asked for by name
    assert package in text or (package.startswith("workers.engines") and re.search(rf"\b{name}\b", text))


def test_every_file_on_the_map_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:api|workers|models|migrations|tests|bench|deploy)/[\w/.*-]*)`", text))
    assert len(named) > 50, "the map names files"
    assert {one for one in named if not list(ROOT.glob(one.rstrip("/")))} == set()


def docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """The strings that stand alone at the beginning of a body, or after what they document."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value


CUT = re.compile(r"[^.:!?)`\w]$|\b\w+$")
URL = re.compile(r"https?://\S+$")


def is_cut(docstring: str) -> bool:
    """Whether a blank line, or the end, stands amid the first sentence."""
    first = docstring.strip().split("\n\n")[0]
    return bool(CUT.search(first)) and not URL.search(first)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_the_first_sentence_of_a_docstring_is_whole(path: Path) -> None:
    found = docstrings(ast.parse(path.read_text(encoding="utf-8")))
    assert [(one.lineno, str(one.value)[:60]) for one in found if is_cut(str(one.value))] == []


def test_these_tests_would_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_cut("Of the least loaded, the one\n\nthat has it.")
    assert is_cut("Never closed first,\n\nand so on.")
    assert not is_cut("A whole sentence.\n\nAnother.")
    assert not is_cut("https://www.postgresql.org/docs/current/errcodes-appendix.html")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    for name in ("a", "b"):
        (tmp_path / "api").mkdir(exist_ok=True)
        (tmp_path / "api" / f"{name}.py").write_text("class Twice: ...\nclass Request: ...\nclass _Own: ...\n")
    with pytest.raises(AssertionError, match="Twice"):
        test_no_class_name_stands_twice_in_a_tier("api")
