"""Code fingerprints: an edit of a module reruns exactly the rules that depend on it."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

from hitforge.studies import OUTSIDE

PACKAGE = Path(__file__).parent

# Modules that decide what a stage writes, besides those that the study adds in ``settings.CODE``.
# tests/unit/test_fingerprint.py holds this list against what each stage really imports.
_EVENTS = ("hits", "shards", "shard_lists", "folds", "validation")
_MODELS = ("studies.base", "seeds")
_TREES = ("stages.feature_rows", "bdt", "bdt_objectives")
_NETWORKS = ("networks", "training.member_files", "training.device")
_STREAM = tuple(f"training.{name}" for name in ("batches", "dataset", "loader", "plan", "window"))
_VIEWS = (
    *("stages.report", "stages.report_inputs", "stages.evaluate", "reporting.chapter", "reporting.history"),
    *("predictions", "validation"),
)
STAGE_MODULES: dict[str, tuple[str, ...]] = {
    "simulate": ("stages.simulate", "hits", "seeds", "compiled"),
    "validate": ("stages.validate", "validation", "ntuple", "hits", "folds", "compiled"),
    "inventory": ("stages.validate", "validation"),
    "build_shard": ("stages.build_shard", "ntuple", "compiled", *_EVENTS),
    "fit_scaling": ("stages.fit_scaling", "scaling", *_EVENTS),
    "train_trees": ("stages.train_trees", *_TREES, "bdt_tuning", *_MODELS, *_EVENTS),
    "fit_table": ("stages.fit_table", "stages.feature_rows", *_MODELS, *_EVENTS),
    "train_member": ("stages.train_member", "training", "networks", "scaling", *_MODELS, *_EVENTS),
    "assemble": ("stages.assemble", "evaluation.ensemble", "networks", *_MODELS),
    "predict": (
        *("stages.predict", "stages.train_member", "prediction", "predictions", "evaluation.ensemble"),
        *("scaling", "bdt", "bdt_objectives", *_MODELS, *_EVENTS, *_NETWORKS, *_STREAM),
    ),
    "calibrate": ("stages.evaluate", "predictions", "validation", "evaluation", "seeds"),
    "evaluate": ("stages.evaluate", "predictions", "validation", "evaluation", "seeds"),
    "tables": (
        *(*_VIEWS, "reporting.tables", "reporting.training_tables", "reporting.part_tables", "reporting.numbers"),
        *("evaluation", "folds", "seeds", "hits", "shards"),
    ),
    "figures": (
        *(*_VIEWS, "reporting.style", "reporting.plotting", "reporting.training_figures"),
        *("evaluation", "folds", "seeds", "hits", "shards"),
    ),
    "page": ("stages.bind_report", "reporting"),
}


def stage_modules(study: str, stage: str) -> tuple[str, ...]:
    """Return the modules that decide what ``stage`` writes for ``study``, relative to the package."""
    from hitforge.config import study_settings_type

    own = study_settings_type(study).CODE.get(stage, ())
    return (*STAGE_MODULES[stage], *(f"studies.{study}.{module}" for module in ("study", *own)))


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
    return tree


def _place(module: str) -> Path:
    """Return where a module or package is, without suffix; a study may be outside the package."""
    first, *rest = module.split(".")
    roots = [PACKAGE / "studies", *OUTSIDE] if first == "studies" and rest else []
    found = [root for root in roots if (root / rest[0]).is_dir()]
    return found[0].joinpath(*rest) if found else PACKAGE.joinpath(first, *rest)


def module_path(module: str) -> Path:
    """Return the file of a module named relative to the package, for example ``training.loop``."""
    path = _place(module)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _file_hash(path: Path) -> str:
    tree = _without_docstrings(ast.parse(path.read_text(encoding="utf-8")))
    return hashlib.blake2b(ast.dump(tree).encode(), digest_size=8).hexdigest()


def fingerprint(*modules: str, script: Path | None = None) -> str:
    """Return a hash of the code of the given modules, blind to comments, docstrings and layout.

    A name that is a package means all modules in it, so that a new file in a study's folder counts.
    ``script`` is the workflow script that calls them.
    """
    digest = hashlib.blake2b(digest_size=8)
    if script is not None:
        digest.update(_file_hash(script).encode())
    for module in sorted(set(modules)):
        folder = _place(module)
        names = [module]
        if folder.is_dir():
            inside = [path.relative_to(folder).with_suffix("") for path in sorted(folder.rglob("*.py"))]
            names = [".".join((module, *path.parts)).removesuffix(".__init__") for path in inside]
        for name in names:
            digest.update(f"{name}={_file_hash(module_path(name))};".encode())
    return digest.hexdigest()
