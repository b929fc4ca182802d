"""Code fingerprints: blind to comments and docstrings, sensitive to code, complete for every stage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hitforge.fingerprint import (
    code_of,
    import_closure,
    imports_of,
    is_inert,
    module_files,
    stage_modules,
)
from hitforge.studies.declaration import STAGES, declaration_of

REPOSITORY = Path(__file__).parents[2]
STUDIES = ("calo_muon", "csc_muon", "object_id", "scouting_egamma")
SCRIPTS = {
    "inventory": "take_inventory",
    "build_shard": "build_shards",
    "assemble": "assemble_model",
    "compare": "compare_models",
    "tables": "make_tables",
    "figures": "make_figures",
    "page": "make_report",
}


def script(stage: str) -> Path:
    return REPOSITORY / "workflow/scripts" / f"{SCRIPTS.get(stage, stage)}.py"


def reached(study: str, stage: str) -> set[str]:
    return {name.removeprefix("hitforge.") for name in stage_modules(study, stage, script(stage))}


def test_comments_and_docstrings_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text('"""Text."""\ndef f():\n    """More."""\n    return 1\n')
    other = tmp_path / "b.py"
    other.write_text("# a comment\ndef f():\n\n    return 1  # why\n")
    assert code_of(other) == code_of(path)
    third = tmp_path / "c.py"
    third.write_text("def f():\n    return 2\n")
    assert code_of(third) != code_of(path)


def test_comments_in_constants_do_not_count(tmp_path: Path) -> None:
    values = ("a: 1  # one\n", "a: 1\n", "a: 2\n")
    paths = [tmp_path / f"{k}.yaml" for k in range(3)]
    for path, text in zip(paths, values, strict=True):
        path.write_text(text)
    assert code_of(paths[0]) == code_of(paths[1]) != code_of(paths[2])


def test_imports_are_found_wherever_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nimport hitforge.folds\nfrom hitforge import seeds\n"
        "from hitforge.shards import Shard\nif TYPE_CHECKING:\n    from hitforge.bdt import load_trees\n"
        "def f():\n    from hitforge.hits import Hits\n"
        "PLACE = 'hitforge.studies.calo_muon'\nNAME = 'hitforge.nowhere'\n"
    )
    names = {"folds", "seeds", "shards", "hits", "studies.calo_muon"}
    assert {name.removeprefix("hitforge.") for name in imports_of(path)} == names


def test_constants_belong_to_their_module() -> None:
    (planes,) = (path for path in (REPOSITORY / "src").rglob("planes.py"))
    module = ".".join(planes.relative_to(REPOSITORY / "src").with_suffix("").parts)
    assert {path.name for path in module_files(module)} == {"planes.py", "planes.yaml"}
    # and are no constants of the package
    assert {path.name for path in module_files(module.rpartition(".")[0])} == {"__init__.py"}


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"hitforge\.nothing is not there"):
        import_closure("hitforge.nothing")


@pytest.mark.parametrize("study", STUDIES)
def test_a_plot_is_reached_by_its_figure_alone(study: str) -> None:
    for stage in STAGES:
        plots = {name for name in reached(study, stage) if ".report." in name and "figure" in name}
        assert bool(plots) == (stage == "figures"), (stage, plots)


@pytest.mark.parametrize("study", STUDIES)
def test_what_is_learnt_does_not_depend_on_how_files_are_read(study: str) -> None:
    for stage in ("fit_scaling", "train_trees", "fit_table", "train_member", "assemble", "predict"):
        read = {name for name in reached(study, stage) if name.endswith((".ntuple", ".reading", ".validation"))}
        assert read <= {"validation"}, (stage, read)


@pytest.mark.parametrize("study", STUDIES)
def test_a_loss_and_a_network_train_networks_only(study: str) -> None:
    loss = declaration_of(study).build_loss
    assert loss is not None
    own = loss.module(study).removeprefix("hitforge.")
    for stage in ("simulate", "validate", "build_shard", "fit_scaling", "train_trees", "fit_table", "calibrate"):
        found = {name for name in reached(study, stage) if name == own or ".networks" in name}
        assert not found, (stage, found)
    assert own in reached(study, "train_member")


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("stage", STAGES)
def test_everything_that_a_stage_imports_is_reached_or_inert(study: str, stage: str) -> None:
    """The static closure against Python's own: whatever is loaded when script and entry points are imported."""
    entries = {entry.module(study) for entry in declaration_of(study).entry_points(stage).values()}
    names = sorted(entries | imports_of(script(stage)))
    program = (
        f"import importlib, sys\nfor name in {names!r}:\n    importlib.import_module(name)\n"
        "print(*(m for m in sys.modules if m.startswith('hitforge.')))"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    inert = import_closure_of_inert()
    missing = [
        name
        for name in output.split()
        if not (is_inert(name) or is_face(name) or name in inert)
        and name not in stage_modules(study, stage, script(stage))
    ]
    assert missing == []


def is_face(name: str) -> bool:
    """Whether a module is the face of a package, which says what the package is and does nothing."""
    return any(path.name == "__init__.py" for path in module_files(name))


def import_closure_of_inert() -> set[str]:
    """What modules that count for no stage import: settings of all kinds, and faces of packages."""
    found: set[str] = set()
    waiting = [
        f"hitforge.{p.relative_to(REPOSITORY / 'src/hitforge').with_suffix('').as_posix().replace('/', '.')}"
        for p in (REPOSITORY / "src/hitforge").rglob("*.py")
    ]
    waiting = [name for name in waiting if is_inert(name)]
    while waiting:
        for path in module_files(waiting.pop()):
            if path.suffix == ".py":
                new = {name for name in imports_of(path) if name not in found}
                found |= new
                waiting += new
    return found | {name.rpartition(".")[0] for name in found}


def test_conda_environments_pin_what_the_lock_file_pins() -> None:
    lines = (REPOSITORY / "requirements/cpu.lock").read_text().splitlines()
    pins = {name.lower(): version for name, _, version in (line.partition("==") for line in lines if "==" in line)}
    names = {"pytorch": "torch", "py-xgboost": "xgboost-cpu", "matplotlib-base": "matplotlib"}
    for path in sorted((REPOSITORY / "envs").glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text())["dependencies"]:
            name, _, version = entry.partition(" =")
            if name != "python":
                assert pins[names.get(name, name)] == version, f"{path.name}: {name}"
