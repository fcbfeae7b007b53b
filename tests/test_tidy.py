"""Style as a test: what a review would have to say again and again is said here once, in red."""

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.settings import Settings
from tests.sources import python_files

ROOT = Path(__file__).parent.parent
SHIPPED = ("api", "workers", "models", "migrations")
CHECKED = (*SHIPPED, "deploy", "bench", "tests")
SOURCES = sorted(path for package in CHECKED for path in python_files(ROOT / package))

FILE_LINES = 400
FUNCTION_LINES = 50

BLIND = {
    "workers/wakeups.py::_run": "the process's life ends here: it would look alive to everybody else",
    "models/process/looks.py::_run": "a look's life ends here, and who waits for it must hear",
    "api/gateway/group_commit.py::_write": "those who wait must hear of it, and those who come next be served",
    "workers/runner/asking.py::answering": "a request's or job's life ends here, the runner's does not",
    "workers/engines/media/pictures.py::_read": "Pillow raises anything of broken files, and its client must hear",
    "workers/runner/__main__.py::_load": "the runner's life ends here; its worker decides about another try",
    "workers/steward/__main__.py::_reside": "who stays loaded is one thing, and what waits must be placed",
    "workers/steward/batch_feeder.py::_safely": "one batch's trouble is not the others'",
    "workers/engines/sentence_transformers/batcher.py::_read_some": "a tokenizer may raise anything; clients must hear",
    "workers/engines/sentence_transformers/batcher.py::_compute": "a batch's life ends here, and its clients must hear",
    "api/routes/templates/rendering.py::rendered": "a template may raise anything, and who tries it must hear",
    "workers/engines/text/dialects.py::_rendered": "a template may raise anything: so it refuses what it is asked",
    "workers/engines/transformers/load.py::_refuse_unreadable": "a template may raise anything, and take other turns",
    "workers/engines/transformers/engine.py::_tokenize": "a template may raise anything, and its client must hear",
    "workers/engines/transformers/seeing/reader.py::_keeps": "a template may raise anything: it is not made for this",
    "workers/engines/transformers/scoring.py::_run": "a model may raise anything, and its client must hear",
    "workers/engines/transformers/hearing/transcriptions.py::_next": "a processor may raise anything",
    "workers/engines/transformers/stepper.py::_run": "the engine's life ends here, and its clients must hear of it",
    "workers/engines/diffusers/engine.py::run": "a decoder may raise anything, and its client must hear of it",
    "workers/engines/diffusers/engine.py::_draw": "a batch's life ends here, and its clients must hear of it",
    "workers/engines/diffusers/video/engine.py::_make": "a request's life ends here, and its client must hear of it",
    "workers/engines/llama_cpp/gbnf.py::main": "the converter raises anything, and its process has nothing else to do",
    "workers/engines/llama_cpp/engine.py::_run": "a request's life ends here, and its client must hear of it",
    "workers/engines/vllm/engine.py::_run": "a request's life ends here, and its client must hear of it",
    "workers/engines/probe/__main__.py::_ask": "a library may raise anything, and the others must be asked",
    "bench/gpu/site.py::measure": "a figure's trouble is not the others', and the machine is there for minutes alone",
    "models/hubs/download.py::download": "the libraries' errors have no common root, and their client must hear",
    "workers/engines/vllm/answer.py::answered": "vLLM tells of any exception of its own whose fault it is",
}
"""Where anything at all may be caught, and why: a place where somebody else's life goes on."""

OWNERLESS = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b(?!\(\w[\w-]*\))")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


every_source = pytest.mark.parametrize("path", SOURCES, ids=name_of)


@every_source
def test_no_file_is_long(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= FILE_LINES, f"{name_of(path)} has {lines} lines"


@every_source
def test_no_function_is_long(path: Path) -> None:
    if "migrations/versions/" in name_of(path):
        return  # a migration is one list of columns
    for node in ast.walk(tree_of(path)):
        if isinstance(node, Function):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{name_of(path)}: {node.name} has {lines} lines"


@every_source
def test_what_is_to_do_has_an_owner(path: Path) -> None:
    if path == Path(__file__):
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        assert not OWNERLESS.search(line), f"{name_of(path)}:{number}: say who, as in TODO(name), or do it"


def test_nothing_is_caught_blindly() -> None:
    found = {where for path in SOURCES for where in blind_handlers(path)}
    assert found <= BLIND.keys(), "catch what can happen, or say here why anything may"
    assert BLIND.keys() <= found, "these reasons have outlived their code"


def blind_handlers(path: Path) -> Iterator[str]:
    """Handlers of everything, by file and function; not those that clean up and raise again."""

    def visit(node: ast.AST, function: str) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            inner = child.name if isinstance(child, Function) else function
            if isinstance(child, ast.ExceptHandler) and catches_everything(child) and not raises_again(child):
                yield f"{name_of(path)}::{inner}"
            yield from visit(child, inner)

    return visit(tree_of(path), "")


def catches_everything(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")) for kind in kinds
    )


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_no_imports_go_round_in_circles() -> None:
    """At module scope. A cycle works until somebody imports its other end first."""
    modules = {module_of(path): path for path in SOURCES if path.relative_to(ROOT).parts[0] in SHIPPED}
    graph = {module: set(imported(path, module, modules)) for module, path in modules.items()}
    assert graph["api.local.supervisor"] >= {"api.local.child", "api.local.home", "models.process.processes"}, (
        "imports are found"
    )
    graphlib.TopologicalSorter(graph).prepare()


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path, module: str, known: dict[str, Path]) -> Iterator[str]:
    """Our modules that importing this one imports by name."""
    for node in at_module_scope(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{name_of(path)} imports relatively"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in known:
                    yield inner
                elif node.module in known and node.module != module:
                    yield node.module


def at_module_scope(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements that run at import, and those for type checkers: a circle must not hide there."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.Lambda):
            continue
        if isinstance(child, ast.stmt):
            yield child
        yield from at_module_scope(child)


def test_imports_keep_their_direction() -> None:
    """The contracts in pyproject.toml."""
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert Settings.model_fields[name].description
    assert f"`HEADRACE_{name.upper()}`" in (ROOT / "README.md").read_text(encoding="utf-8"), "README.md lists them all"


def test_these_tests_would_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    bad = tmp_path / "bad.py"
    bad.write_text(
        "def swallow():\n    try:\n        pass\n    except (ValueError, Exception):\n        pass\n"
        "def tidy_up():\n    try:\n        pass\n    except BaseException:\n        raise\n"
    )
    assert list(blind_handlers(bad)) == ["bad.py::swallow"]
    assert OWNERLESS.search("# TODO: later")
    assert not OWNERLESS.search("# TODO(ada): later")
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.md")), ids=lambda path: path.name)
def test_no_text_keeps_the_marks_of_a_merge(path: Path) -> None:
    assert not re.search(r"^(<{7}|>{7}|={7})", path.read_text(encoding="utf-8"), re.MULTILINE)
