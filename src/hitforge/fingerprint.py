"""Code fingerprints: an edit of a module reruns exactly the rules whose stage can reach it by its imports."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from hitforge.reporting.catalogue import load_catalogue, modules_of
from hitforge.studies import OUTSIDE
from hitforge.studies.declaration import OF_ONE_MODEL, declaration_of

PACKAGE = Path(__file__).parent

# how a job is told what to do, and how it writes and logs: none of it decides what is written
INERT = frozenset(
    f"hitforge.{name}"
    for name in (
        *("config", "fingerprint", "logs", "provenance", "refusals", "settings_base", "yaml_files"),
        *("studies.base", "studies.declaration"),
    )
)
"""Modules that count for no stage, besides pure settings: a new setting reruns what is given it, by its value."""

MODELS = "hitforge.studies.base"
"""It hands features to the functions of models, so it counts for the stages that work for a model after all."""

REPORT: Final = ("tables", "figures")


def is_inert(module: str) -> bool:
    """Whether a module counts for no stage: it is pure settings, or says how a job is run."""
    last = module.rpartition(".")[2]
    return module in INERT or last == "settings" or last.endswith("_settings")


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return tree


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def code_of(path: Path) -> str:
    """Return a hash of what a file does."""
    # of constants in YAML the values count, of code what it does: neither comments nor layout
    if path.suffix == ".yaml":
        content = repr(yaml.safe_load(path.read_text(encoding="utf-8")))
    else:
        content = ast.dump(_without_docstrings(ast.parse(path.read_text(encoding="utf-8"))))
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


@cache
def _place(module: str) -> Path | None:
    """Return the file of a module or the folder of a package of ours, None for anything else.

    A study may be outside the package.
    """
    first, *rest = module.split(".")
    if first != "hitforge":
        return None
    roots = [PACKAGE] if rest[:1] != ["studies"] or len(rest) < 2 else [PACKAGE, *OUTSIDE]
    for root in roots:
        inside = rest if root == PACKAGE else rest[1:]
        found = root.joinpath(*inside)
        if found.is_dir():
            return found
        if inside and (file := found.with_suffix(".py")).is_file():
            return file
    return None


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs of a module, inside functions too; imports for type hints alone do not."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _nodes(child)


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Return the modules of ours that a file imports or names as text, such as a package that holds constants."""
    found: set[str] = set()
    for node in _nodes(_without_docstrings(_tree(path))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if _place(name) else node.module for name in below}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("hitforge."):
            found.add(node.value.partition(":")[0])
    return frozenset(name for name in found if name.startswith("hitforge.") and _place(name))


def import_closure(*modules: str) -> frozenset[str]:
    """Return the modules and all that they can reach by imports, at the top or in functions; inert ones are left out.

    A FileNotFoundError names a module that is not there.
    """
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in reached or is_inert(module):
            continue
        if _place(module) is None:
            raise FileNotFoundError(f"module {module} is not there: correct the entry point that names it")
        reached.add(module)
        for path in module_files(module):
            if path.suffix == ".py":
                waiting += imports_of(path)
    return frozenset(reached)


def module_files(module: str) -> list[Path]:
    """Return the file of a module and the YAML file of its name; of a package its face and its other YAML files."""
    place = _place(module)
    if place is None:
        return []
    if place.is_dir():
        own = (path for path in place.glob("*.yaml") if not path.with_suffix(".py").exists())
        return sorted([*own, *place.glob("__init__.py")])
    return [path for path in (place, place.with_suffix(".yaml")) if path.exists()]


def stage_modules(study: str, stage: str, script: Path) -> frozenset[str]:
    """Return the modules that decide what ``stage`` writes for ``study``, with those that ``script`` calls."""
    roots = {entry.module(study) for entry in declaration_of(study).entry_points(stage).values()}
    if stage in REPORT:
        roots |= set(modules_of(load_catalogue(study), study, stage))
    reached = import_closure(*roots, *imports_of(script))
    return reached | {MODELS} if stage in OF_ONE_MODEL else reached


@cache
def fingerprint(study: str, stage: str, script: Path) -> str:
    """Return a hash of the code that decides what a stage writes, blind to comments, docstrings and layout.

    ``script`` is the workflow script that calls the stage.
    """
    declared = declaration_of(study)
    wiring: list[object] = [sorted(declared.entry_points(stage).items()), declared.target, declared.own_weight]
    digest = hashlib.blake2b(code_of(script).encode(), digest_size=8)
    files = [(module, path) for module in sorted(stage_modules(study, stage, script)) for path in module_files(module)]
    if stage in REPORT:
        # options are among the views, and plain words among the sections
        catalogue = load_catalogue(study)
        wiring.append(catalogue.views("figure") if stage == "figures" else catalogue)
    digest.update(repr(wiring).encode())
    for module, path in files:
        digest.update(f"{module}:{path.name}={code_of(path)};".encode())
    return digest.hexdigest()
