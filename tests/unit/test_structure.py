"""The shape of the package: no circle of imports, modules of a readable size."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import hitforge
from tests.mutated_modules import EQUIVALENT, TESTS

PACKAGE = Path(hitforge.__file__).parent
MODULES = {
    ".".join(("hitforge", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
LONGEST, SHORTEST = 400, 20


def nodes(node: ast.AST) -> list[ast.AST]:
    """Return what runs of a module, in functions too; imports for type hints alone do not."""
    found = []
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            found += [child, *nodes(child)]
    return found


@cache
def imports_of(module: str) -> frozenset[str]:
    """Return the modules of the package that a module imports, at the top or in a function."""
    found = set()
    for node in nodes(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found & set(MODULES) - {module})


def circles() -> list[list[str]]:
    """Return the groups of modules that can all reach each other."""

    @cache
    def reached(module: str) -> frozenset[str]:
        seen: set[str] = set()
        waiting = list(imports_of(module))
        while waiting:
            found = waiting.pop()
            if found not in seen:
                seen.add(found)
                waiting += imports_of(found)
        return frozenset(seen)

    groups = {frozenset(m for m in reached(module) if module in reached(m)) for module in MODULES}
    return sorted(sorted(group) for group in groups if group)


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles() == []


def test_modules_are_neither_too_long_nor_too_short_to_be_one() -> None:
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    faces = {module for module, path in MODULES.items() if path.name in ("__init__.py", "__main__.py")}
    assert {module: n for module, n in lines.items() if n > LONGEST} == {}
    assert {module: n for module, n in lines.items() if n < SHORTEST and module not in faces} == {}


def test_every_module_of_the_mutants_and_its_tests_are_there() -> None:
    assert set(TESTS) <= set(MODULES)
    assert {module for module, _, _ in EQUIVALENT} <= set(TESTS)
    tests = Path(__file__).parent
    assert [name for names in TESTS.values() for name in names if not (tests / name).is_file()] == []


def test_changes_that_make_no_difference_are_still_in_the_code() -> None:
    for module, line, _ in EQUIVALENT:
        text = MODULES[module].read_text(encoding="utf-8")
        assert line in text or line in ast.unparse(ast.parse(text)), (module, line)
