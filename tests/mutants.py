"""Would the tests notice? (make mutants): change one thing in a function, run the module's tests, count what they miss.

A mutant differs from the code in one comparison, operator, number, condition, call or returned value, inside a
function; messages of exceptions, defaults, module constants and functions compiled by numba stay. Tests are collected
once; each mutant is a forked process that swaps the code of the function and stops at the first test that fails. Tests
that run the code in processes of their own see the original.
"""

from __future__ import annotations

import argparse
import ast
import copy
import gc
import importlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import hypothesis
import pytest
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.mutated_modules import EQUIVALENT, TESTS

UNIT = Path(__file__).parent / "unit"
CPU_FACTOR, CPU_SECONDS = 5, 20  # a mutant may take this much more than the code before it counts as endless
WALL_FACTOR, WALL_SECONDS = 20, 120

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_SWAPS = (("min", "max"), ("any", "all"), ("argmin", "argmax"), ("floor", "ceil"), ("minimum", "maximum"))
_NAMES = {a: b for pair in _SWAPS for a, b in (pair, pair[::-1])} | {"sorted": "list", "abs": "float"}


@dataclass(frozen=True)
class Mutant:
    """One change of a module: position of the node in the walk, number of the change, line number, line and words."""

    node: int
    change: int
    line: int
    text: str
    words: str


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in place of a node."""
    match node:
        case ast.Compare(ops=[op]):
            yield ast.Compare(node.left, [_COMPARISONS[type(op)]()], node.comparators)
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC and not any(map(_is_text, (node.left, node.right))):
            yield ast.BinOp(node.left, _ARITHMETIC[type(op)](), node.right)
        case ast.AugAssign(op=op) if type(op) in _ARITHMETIC:
            yield ast.AugAssign(node.target, _ARITHMETIC[type(op)](), node.value)
        case ast.BoolOp(op=op):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield node.operand
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield ast.Constant(node.value + 1)
        case ast.Constant(value="left" | "right"):
            yield ast.Constant({"left": "right", "right": "left"}[node.value])
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.If():
            yield ast.If(ast.Constant(True), node.body, node.orelse)
            yield ast.If(ast.Constant(False), node.body, node.orelse)
        case ast.Return(value=ast.expr()) if not _is_none(node.value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.Call(func=ast.Name(id=name)) if name in _NAMES:
            yield ast.Call(ast.Name(_NAMES[name], ast.Load()), node.args, node.keywords)
        case ast.Call(func=ast.Attribute(attr=name)) if name in _NAMES:
            yield ast.Call(ast.Attribute(node.func.value, _NAMES[name], ast.Load()), node.args, node.keywords)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, Any]]:
    """Yield each node that may change in the bodies of functions: its parent, the field, and the position in a list."""

    def below(node: ast.AST, inside: bool) -> Iterator[tuple[ast.AST, str, Any]]:
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.arguments | ast.Assert):
            return
        function = isinstance(node, ast.FunctionDef)
        if function and "compiled" in map(ast.unparse, node.decorator_list):
            return
        for field, value in ast.iter_fields(node):
            if field in ("decorator_list", "annotation", "returns") or (field == "bases"):
                continue
            for index, child in enumerate(value) if isinstance(value, list) else ((None, value),):
                if isinstance(child, ast.AST):
                    if inside or function:
                        yield node, field, index
                    yield from below(child, inside or function)

    yield from below(tree, False)


def _at(place: tuple[ast.AST, str, Any]) -> ast.AST:
    parent, field, index = place
    found = getattr(parent, field)
    return found if index is None else found[index]


def mutants_of(source: str) -> list[Mutant]:
    """Return all mutants of a module."""
    found = []
    lines = source.splitlines()
    for number, place in enumerate(places(ast.parse(source))):
        node: Any = _at(place)
        for change, after in enumerate(changes(node)):
            words = f"{_short(node)} -> {_short(after)}"
            found.append(Mutant(number, change, node.lineno, lines[node.lineno - 1].strip(), words))
    return found


def _short(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).splitlines()[0]


def mutated(source: str, mutant: Mutant) -> ast.Module:
    """Return the module with the change."""
    tree = ast.parse(source)
    parent, field, index = next(place for k, place in enumerate(places(tree)) if k == mutant.node)
    node = _at((parent, field, index))
    after = list(changes(node))[mutant.change]
    ast.copy_location(after, node)
    if index is None:
        setattr(parent, field, after)
    else:
        getattr(parent, field)[index] = after
    return ast.fix_missing_locations(tree)


def functions_of(path: str) -> list[FunctionType]:
    """Return the functions of a loaded module, whatever wraps them."""
    return [each for each in gc.get_objects() if type(each) is FunctionType and each.__code__.co_filename == path]


def swap(functions: Sequence[FunctionType], path: str, tree: ast.Module) -> None:
    """Give the functions of a loaded module the code of a changed one."""
    codes: dict[tuple[str, int], CodeType] = {}
    waiting = [compile(tree, path, "exec")]
    while waiting:
        code = waiting.pop()
        codes[code.co_qualname, code.co_firstlineno] = code
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
    for function in functions:
        function.__code__ = codes[function.__code__.co_qualname, function.__code__.co_firstlineno]


def in_fork(work: Callable[[], bool], cpu_seconds: float, wall_seconds: float) -> tuple[bool, float]:
    """Run something in a forked process; return whether it was True in time, and the processor time that it took."""
    child = os.fork()
    if not child:
        result = 1
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_seconds) + 1, int(cpu_seconds) + 2))
            result = 0 if work() else 1
        finally:
            os._exit(result)
    end = time.monotonic() + wall_seconds
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            return status == 0, used.ru_utime + used.ru_stime
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)


class Tester:
    """A pytest plugin that runs the collected tests once for each mutant."""

    def __init__(self, options: argparse.Namespace, show: Callable[[str], None]) -> None:
        self.options, self.show = options, show
        self.results: dict[str, dict[str, Any]] = {}
        self.end = time.monotonic() + 60 * options.minutes

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Test the modules in turn."""
        gc.collect()
        for module in self.options.modules or TESTS:
            if time.monotonic() > self.end:
                break
            files = [UNIT / name for name in TESTS[module]]
            items = [item for file in files for item in session.items if item.path == file]
            self.results[module] = self.test(module, session, items)
            words = json.dumps(vars(self.options) | {"results": self.results}, indent=2, default=str)
            self.options.out.write_text(words + "\n")
        return True

    def test(self, module: str, session: pytest.Session, items: Sequence[pytest.Item]) -> dict[str, Any]:
        """Return how many mutants of a module were tried, and which no test noticed."""
        path = str(importlib.import_module(module).__file__)
        source = Path(path).read_text(encoding="utf-8")
        functions = functions_of(path)

        def passes(mutant: Mutant | None = None) -> bool:
            if mutant:
                swap(functions, path, mutated(source, mutant))
            for item, following in zip(items, [*items[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.testsfailed:
                    return False
            return True

        every = [m for m in mutants_of(source) if (module, m.text, m.words) not in EQUIVALENT]
        chosen = random.Random(f"{self.options.seed} {module}").sample(every, min(self.options.sample, len(every)))
        start = time.monotonic()
        good, cpu = in_fork(passes, 3600, 3600)
        wall = time.monotonic() - start
        self.show(f"{module}: {len(items)} tests, {cpu:.1f} s of processor time, {len(every)} mutants")
        result: dict[str, Any] = {"mutants": len(every), "tried": 0, "survivors": [], "tests_pass": good}
        for mutant in sorted(chosen, key=lambda mutant: mutant.line) if good else ():
            if time.monotonic() > self.end:
                break
            survived, _ = in_fork(
                lambda mutant=mutant: passes(mutant),  # type: ignore[misc]
                CPU_FACTOR * cpu + CPU_SECONDS,
                WALL_FACTOR * wall + WALL_SECONDS,
            )
            result["tried"] += 1
            if survived:
                result["survivors"].append({"line": mutant.line, "change": mutant.words})
                self.show(f"  not noticed, line {mutant.line}: {mutant.words}")
        self.show(f"  {result['tried'] - len(result['survivors'])} of {result['tried']} noticed")
        return result


def main() -> int:
    """Test the chosen modules; return 1 if a mutant was not noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", choices=[[], *TESTS], default=[], metavar="MODULE", help="all if none")
    parser.add_argument("--sample", type=int, default=15, help="mutants of a module")
    parser.add_argument("--seed", type=int, default=0, help="which mutants")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin none after these")
    parser.add_argument("--out", type=Path, default=Path("mutants/mutants.json"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    # pytest has the standard output, a copy of it is ours
    console = Console(file=os.fdopen(os.dup(1), "w"))
    with Path(options.out.with_name("pytest.log")).open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    quick = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile("mutants", derandomize=True, database=None, deadline=None, phases=quick)
    hypothesis.settings.load_profile("mutants")
    tester = Tester(options, lambda words: console.print(escape(words), highlight=False, soft_wrap=True))
    files = sorted({str(UNIT / name) for module in options.modules or TESTS for name in TESTS[module]})
    folder = tempfile.mkdtemp()
    marked = "not slow and not slurm and not gpu"
    arguments = [
        "-q",
        "-p",
        "no:randomly",
        "-p",
        "no:xdist",
        "-m",
        marked,
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
        f"--basetemp={folder}/tests",
    ]
    code = pytest.main([*arguments, *files], plugins=[tester])
    shutil.rmtree(folder)
    if not tester.results:
        console.print(f"pytest ended with {code!r}, see {options.out.with_name('pytest.log')}")
        return 2
    table = Table("module", "mutants", "tried", "noticed", title="mutants")
    for module, found in tester.results.items():
        noticed = found["tried"] - len(found["survivors"])
        row = (found["mutants"], found["tried"], noticed if found["tests_pass"] else "tests fail without a mutant")
        table.add_row(module, *map(str, row))
    console.print(table)
    tried = sum(found["tried"] for found in tester.results.values())
    missed = sum(len(found["survivors"]) for found in tester.results.values())
    console.print(f"{tried - missed} of {tried} noticed")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
