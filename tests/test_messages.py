"""What clients are told has no words of a library: those may hold paths, and are for the log."""

import ast
from collections.abc import Iterator
from pathlib import Path

import models.errors
from tests.sources import python_files

ROOT = Path(__file__).parents[1]
PLACES = ("api", "workers/engines", "workers/runner", "models/storage")
TO_OPERATORS = {
    "api/client.py": "the command line's own errors",
    "api/edge/exposure.py": "at start",
    "workers/engines/accelerator/torch_card.py": "a load",
    "workers/engines/diffusers/adapters.py": "a load",
    "workers/engines/diffusers/index.py": "a load",
    "workers/engines/diffusers/tasks.py": "a load",
    "workers/engines/faster_whisper/engine.py": "a load: that CTranslate2 cannot use the GPU or the weights",
    "workers/engines/llama_cpp/engine.py": "llama.cpp's refusal of a request, which is made for clients",
    "workers/engines/llama_cpp/grammars.py": "the process that cannot be started",
    "workers/engines/sentence_transformers/load.py": "a load",
    "workers/engines/transformers/load.py": "a load",
    "workers/engines/vllm/options.py": "a load",
    "workers/runner/load_failures.py": "a load",
}
"""Files in which an error's text goes to whoever launches a model, or is written for clients."""
OURS = {"api/jobs/request_files.py", "workers/runner/media_intake.py"}
"""Files whose caught errors are raised by ``models.inline_data``, with a text for clients."""

ERRORS = {name for name, one in vars(models.errors).items() if isinstance(one, type) and issubclass(one, Exception)}


def reveals(tree: ast.AST) -> Iterator[int]:
    """The lines at which the text of a library's error, ``{error}`` or ``str(error)``, goes into one of our errors."""
    for holder in ast.walk(tree):
        for name in _errors_in(holder):
            for call in ast.walk(holder):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ERRORS:
                    arguments = [*call.args, *(one.value for one in call.keywords)]
                    if any(_is_text_of(name, part) for one in arguments for part in ast.walk(one)):
                        yield call.lineno


def _errors_in(holder: ast.AST) -> Iterator[str]:
    """The names of the errors that a handler catches, or that a function is given."""
    if isinstance(holder, ast.ExceptHandler) and holder.name is not None:
        yield holder.name
    if isinstance(holder, ast.FunctionDef):
        for one in holder.args.args:
            if one.annotation is not None and "Exception" in ast.unparse(one.annotation):
                yield one.arg


def _is_text_of(name: str, node: ast.AST) -> bool:
    if isinstance(node, ast.FormattedValue):
        return isinstance(node.value, ast.Name) and node.value.id == name
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("str", "repr"):
        return any(isinstance(one, ast.Name) and one.id == name for one in node.args)
    return False


def test_no_error_of_a_library_is_told_to_clients() -> None:
    found: dict[str, list[int]] = {}
    for place in PLACES:
        for path in sorted(python_files(ROOT / place)):
            if lines := list(reveals(ast.parse(path.read_text(encoding="utf-8")))):
                found[str(path.relative_to(ROOT))] = lines
    assert {name: lines for name, lines in found.items() if name not in TO_OPERATORS.keys() | OURS} == {}
    assert TO_OPERATORS.keys() | OURS <= found.keys(), "some have nothing to excuse any more"


def test_it_is_noticed() -> None:
    for text in ('f"a {error}"', 'f"a {error!r}"', "str(error)", '"a" + repr(error)', 'f"{str(error)}", param="x"'):
        assert list(reveals(ast.parse(f"try: x\nexcept E as error: raise EngineFailure({text})"))) == [2]
        assert list(reveals(ast.parse(f"def f(error: Exception):\n return EngineFailure({text})"))) == [2]
    for text in ('f"a {type(error).__name__}"', 'f"{kind_of(error)}"', '"a"'):
        assert list(reveals(ast.parse(f"try: x\nexcept E as error: raise EngineFailure({text})"))) == []
