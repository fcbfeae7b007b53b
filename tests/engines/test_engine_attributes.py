"""An engine is a whole object: after ``__init__`` no class of ``workers.engines`` gets a new attribute."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

ENGINES = Path(__file__).parents[2] / "workers" / "engines"

Function = ast.FunctionDef | ast.AsyncFunctionDef
Classes = dict[str, ast.ClassDef]


def test_an_engine_has_all_its_attributes_from_the_beginning() -> None:
    trees = {
        path.relative_to(ENGINES).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(ENGINES.rglob("*.py"))
    }
    everywhere = {name: node for tree in trees.values() for name, node in classes_of(tree).items()}
    assert {"Engine", "Echo", "LlamaCpp", "Transformers", "Vllm"} <= everywhere.keys(), "the classes are found"

    late = {
        f"{file}: {name}.{attribute}"
        for file, tree in trees.items()
        for name, node in classes_of(tree).items()
        for attribute in late_attributes(node, everywhere | classes_of(tree))
    }
    assert not late, "set these in __init__"


def test_this_test_would_notice() -> None:
    source = """
class Base:
    kind = "base"
    def __init__(self): self.a = 1

@dataclass
class Row:
    seen: int
    def step(self): self.seen += 1

class Grows(Base):
    declared: int
    def __init__(self):
        self.b, self.typed = 2, 3
        self.only_a_type: int
        def later(): self.c = 3
    def load(self):
        self.a = self.b = self.kind = 0
        self.d, (self.e, _) = 1, (2, 3)
        self.f: int = 4
        self.only_a_type = self.declared = 5
        with open("x") as self.g:
            for self.h in (): pass
"""
    known = classes_of(ast.parse(source))
    assert late_attributes(known["Base"], known) == late_attributes(known["Row"], known) == []
    assert late_attributes(known["Grows"], known) == ["c", "d", "declared", "e", "f", "g", "h", "only_a_type"]


def late_attributes(node: ast.ClassDef, known: Classes) -> list[str]:
    """Attributes of ``self`` that something sets of which neither the class nor ``__init__`` has set them before."""
    later = {name for method in methods_of(node) if method.name != "__init__" for name in set_by(method.body)}
    for method in methods_of(node):
        if method.name == "__init__":  # what a function within it sets is set when that is called
            inner = [one for one in ast.walk(method) if isinstance(one, Function) and one is not method]
            later |= {name for one in inner for name in set_by(one.body)}
    return sorted(later - set(set_from_the_beginning(node, known)))


def set_from_the_beginning(node: ast.ClassDef, known: Classes) -> Iterator[str]:
    """Attributes that every object of the class has: those of the class itself, of its fields, of ``__init__``."""
    record = any("dataclass" in ast.unparse(one) for one in node.decorator_list)
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            yield from (ast.unparse(target) for target in statement.targets)
        elif isinstance(statement, ast.AnnAssign) and (record or statement.value is not None):
            yield ast.unparse(statement.target)
    for method in methods_of(node):
        if method.name == "__init__":
            yield from set_by([one for one in method.body if not isinstance(one, Function)])
    for base in node.bases:
        name = ast.unparse(base).partition("[")[0]
        if name in known and known[name] is not node:
            yield from set_from_the_beginning(known[name], known)


def set_by(statements: Sequence[ast.stmt]) -> Iterator[str]:
    """Names of the attributes of ``self`` that these statements set. A type alone (``self.x: int``) sets nothing."""
    walked = [node for statement in statements for node in ast.walk(statement)]
    declared = {node.target for node in walked if isinstance(node, ast.AnnAssign) and node.value is None}
    attributes = [node for node in walked if isinstance(node, ast.Attribute) and node not in declared]
    for node in attributes:
        if isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr


def methods_of(node: ast.ClassDef) -> list[Function]:
    return [statement for statement in node.body if isinstance(statement, Function)]


def classes_of(tree: ast.AST) -> Classes:
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
