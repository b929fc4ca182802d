"""Code fingerprints: an edit of a module reruns exactly the rules that depend on it."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

import yaml

from hitforge.studies import OUTSIDE

PACKAGE = Path(__file__).parent

# Modules that decide what a stage writes, besides those that the study adds in ``settings.CODE``.
# tests/unit/test_fingerprint.py holds this list against what each stage really imports.
_EVENTS = ("hits", "chunks", "shards", "shard_lists", "folds", "validation")
_MODELS = ("studies.base", "seeds")
_BOOSTERS = ("bdt", "bdt_objectives", "evaluation.information")
_TREES = ("stages.feature_rows", *_BOOSTERS)
_NETWORKS = ("networks", "training.member_files", "training.device")
_STREAM = tuple(
    f"training.{name}" for name in ("batches", "dataset", "loader", "memory", "plan", "resident", "transfer", "window")
)
_VIEWS = (
    *("stages.report", "stages.report_inputs", "stages.evaluate", "reporting.chapter", "reporting.evaluated"),
    *("reporting.history", "predictions", "validation"),
)
STAGE_MODULES: dict[str, tuple[str, ...]] = {
    "simulate": ("stages.simulate", "hits", "seeds", "compiled"),
    "validate": (
        *("stages.validate", "validation", "inspection", "identities", "ntuple", "baskets", "branches"),
        *("hits", "folds", "compiled"),
    ),
    "inventory": ("stages.validate", "validation", "inventory"),
    "build_shard": (
        *("stages.build_shard", "inspection", "identities", "ntuple", "baskets", "branches", "compiled"),
        *_EVENTS,
    ),
    "fit_scaling": ("stages.fit_scaling", "scaling", *_EVENTS),
    "train_trees": ("stages.train_trees", *_TREES, "bdt_tuning", *_MODELS, *_EVENTS),
    "fit_table": ("stages.fit_table", "stages.feature_rows", "evaluation.ordered", *_MODELS, *_EVENTS),
    "train_member": ("stages.train_member", "training", "networks", "scaling", *_MODELS, *_EVENTS),
    "assemble": ("stages.assemble", "evaluation.ensemble", "networks", *_MODELS),
    "predict": (
        *("stages.predict", "stages.train_member", "prediction", "predictions"),
        *("evaluation.ensemble", "evaluation.ordered"),
        *("scaling", *_BOOSTERS, *_MODELS, *_EVENTS, *_NETWORKS, *_STREAM),
    ),
    "calibrate": ("stages.evaluate", "predictions", "validation", "evaluation", "seeds", "folds", "compiled"),
    "evaluate": ("stages.evaluate", "predictions", "validation", "evaluation", "seeds", "folds", "compiled"),
    "tables": (
        *(*_VIEWS, "reporting.tables", "reporting.training_tables", "reporting.part_tables", "reporting.numbers"),
        "reporting.chapter_parts",
        *("evaluation", "folds", "seeds", "hits", "chunks", "shards"),
    ),
    "figures": (
        *(*_VIEWS, "reporting.style", "reporting.plotting", "reporting.training_figures"),
        *("evaluation", "folds", "seeds", "hits", "chunks", "shards", "scaling", "bdt", "bdt_objectives"),
        "compiled",
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


@cache
def _file_hash(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    # of constants in YAML the values count, of code what it does: neither comments nor layout
    content = repr(yaml.safe_load(text)) if path.suffix == ".yaml" else ast.dump(_without_docstrings(ast.parse(text)))
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def module_files(module: str) -> list[Path]:
    """Return the files of a module named relative to the package (``training.loop``), or of all modules of a package.

    The constants beside them, in YAML files, are among them.
    """
    folder = _place(module)
    if folder.is_dir():
        return sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".yaml"})
    return [path for path in (folder.with_suffix(".py"), folder.with_suffix(".yaml")) if path.exists()]


def fingerprint(*modules: str, script: Path | None = None) -> str:
    """Return a hash of the code of the given modules, blind to comments, docstrings and layout.

    A name that is a package means all modules in it, so that a new file in a study's folder counts. Constants in a
    YAML file beside a module belong to it.
    ``script`` is the workflow script that calls them.
    """
    digest = hashlib.blake2b(digest_size=8)
    if script is not None:
        digest.update(_file_hash(script).encode())
    for module in sorted(set(modules)):
        files = module_files(module)
        if not files:
            raise FileNotFoundError(
                f"module {module} of the code fingerprint is not there: correct CODE or STAGE_MODULES"
            )
        for path in files:
            inside = path.relative_to(_place(module).parent)
            digest.update(f"{module}:{inside.as_posix()}={_file_hash(path)};".encode())
    return digest.hexdigest()
