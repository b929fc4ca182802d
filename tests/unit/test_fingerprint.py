"""Code fingerprints: blind to comments and docstrings, sensitive to code, complete for every stage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hitforge.fingerprint import STAGE_MODULES, fingerprint, module_files, stage_modules

REPOSITORY = Path(__file__).parents[2]

# imported everywhere, but without influence on what a stage writes
INERT = {
    "config", "settings_base", "logs", "provenance", "samples", "fingerprint", "studies", "studies.base", "stages",
    "training.settings", "bdt_settings", "evaluation.settings", "training", "networks", "evaluation", "reporting",
}  # fmt: skip
# settings and what they import
_SETTINGS = (
    *("settings", "report", "report.names", "evaluation", "evaluation.settings", "reader_settings"),
    *("simulation", "simulation.settings", "feature_table"),
)
INERT_OF = {
    study: {f"studies.{study}", *(f"studies.{study}.{module}" for module in modules)}
    for study, modules in {
        "calo_muon": ("settings", "report", "report.names"),
        "csc_muon": (*_SETTINGS, "cuts", "targets", "roads", "planes"),
        "object_id": (*_SETTINGS, "cuts", "thinning", "objects", "image"),
        "scouting_egamma": (*_SETTINGS, "candidates", "geometry", "targets"),
    }.items()
}
# imported for types or by a neighbour in the same module, without influence on what this stage writes
INERT_IN = {
    "simulate": {"chunks", "shards", "validation", "studies.calo_muon.feature_table"},
    "validate": {"chunks", "shards", "inventory"},
    "assemble": {"hits", "chunks", "shards", "validation"},
    "fit_table": {"studies.calo_muon.feature_table"},
    "calibrate": {"hits", "chunks", "shards", "studies.calo_muon.feature_table"},
    "evaluate": {"hits", "chunks", "shards", "studies.calo_muon.feature_table"},
    "tables": {"reporting.style"},
    "figures": {
        "reporting.tables",
        "reporting.numbers",
        "studies.calo_muon.report.data_tables",
        "reporting.training_tables",
        "reporting.part_tables",
        "reporting.chapter_parts",
        "studies.calo_muon.report.model_tables",
    },
}


def test_comments_and_docstrings_do_not_count(tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text('"""Text."""\ndef f():\n    """More."""\n    return 1\n')
    before = fingerprint(script=script)
    other = tmp_path / "b.py"
    other.write_text("# a comment\ndef f():\n\n    return 1  # why\n")
    assert fingerprint(script=other) == before
    third = tmp_path / "c.py"
    third.write_text("def f():\n    return 2\n")
    assert fingerprint(script=third) != before


def test_constants_belong_to_their_module() -> None:
    names = {path.name for path in module_files("studies.csc_muon.planes")}
    assert names == {"planes.py", "planes.yaml"}
    assert module_files("studies.calo_muon.geometries")


@pytest.mark.parametrize("study", ["calo_muon", "csc_muon", "object_id", "scouting_egamma"])
@pytest.mark.parametrize("stage", STAGE_MODULES)
def test_listed_modules_exist(study: str, stage: str) -> None:
    for module in stage_modules(study, stage):
        assert module_files(module), module


# what each stage imports, besides the study itself, of the package and of the study's folder
STAGE_IMPORTS = {
    "simulate": ("stages.simulate",),
    "validate": ("stages.validate",),
    "build_shard": ("stages.build_shard",),
    "fit_scaling": ("stages.fit_scaling", "shard_lists"),
    "train_trees": ("stages.train_trees", "shard_lists"),
    "fit_table": ("stages.fit_table", "shard_lists"),
    "train_member": ("stages.train_member", "shard_lists"),
    "assemble": ("stages.assemble",),
    "predict": ("stages.predict", "prediction", "bdt", "shard_lists"),
    "calibrate": ("stages.evaluate",),
    "evaluate": ("stages.evaluate",),
    "tables": ("stages.report_inputs", "stages.report"),
    "figures": ("stages.report_inputs", "stages.report"),
}
STUDY_IMPORTS = {
    "calo_muon": {
        "simulate": ("simulation.generate", "simulation.write"),
        "validate": ("validate", "lumin"),
        "build_shard": ("ntuple", "lumin"),
        "train_trees": ("weights",),
        "train_member": ("weights", "networks.network"),
        "predict": ("networks.network",),
        "calibrate": ("evaluation.corrections",),
        "evaluate": ("evaluation.corrections", "evaluation.comparison"),
        "tables": ("report.tables", "report.text"),
        "figures": ("report.figures",),
    },
    "csc_muon": {
        "simulate": ("simulation.generate", "simulation.write"),
        "validate": ("validate",),
        "build_shard": ("cuts", "features", "ntuple"),
        "train_trees": ("trees", "features", "targets"),
        "fit_table": ("lookup", "features"),
        "train_member": ("inputs", "networks.build", "networks.losses", "features", "targets"),
        "assemble": ("networks.build",),
        "predict": ("inputs", "networks.build", "features", "trees", "lookup"),
        "calibrate": ("evaluation.metrics", "samples"),
        "evaluate": ("evaluation.metrics", "samples"),
        "tables": ("report.tables", "report.text"),
        "figures": ("report.figures",),
    },
    "object_id": {
        "simulate": ("simulation.generate", "simulation.write"),
        "validate": ("validate",),
        "build_shard": ("cuts", "features", "ntuple"),
        "fit_table": ("floor",),
        "train_member": ("inputs", "networks.build", "networks.losses"),
        "assemble": ("networks.build",),
        "predict": ("inputs", "networks.build", "floor"),
        "calibrate": ("evaluation.calibration", "samples"),
        "evaluate": ("evaluation.metrics", "samples"),
        "tables": ("report.tables", "report.text"),
        "figures": ("report.figures",),
    },
    "scouting_egamma": {
        "simulate": ("simulation.generate", "simulation.write"),
        "validate": ("validate",),
        "build_shard": ("features", "ntuple", "selection"),
        "train_trees": ("trees",),
        "fit_table": ("lookup",),
        "train_member": ("inputs", "networks.hybrid", "networks.losses"),
        "assemble": ("networks.hybrid",),
        "predict": ("inputs", "networks.hybrid", "trees", "lookup"),
        "calibrate": ("evaluation.calibration", "samples"),
        "evaluate": ("evaluation.metrics", "samples"),
        "tables": ("report.tables", "report.text"),
        "figures": ("report.figures",),
    },
}


@pytest.mark.parametrize("study", STUDY_IMPORTS)
@pytest.mark.parametrize("stage", STAGE_IMPORTS)
def test_list_and_inert_modules_cover_what_a_stage_imports(study: str, stage: str) -> None:
    own = (f"studies.{study}.{module}" for module in (*STUDY_IMPORTS[study].get(stage, ()), "study"))
    names = [f"hitforge.{module}" for module in (*STAGE_IMPORTS[stage], *own)]
    program = (
        f"import importlib, sys\nfor name in {names!r}:\n    importlib.import_module(name)\n"
        "print(*(m.removeprefix('hitforge.') for m in sys.modules if m.startswith('hitforge.')))"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    listed = stage_modules(study, stage)
    missing = [
        module
        for module in output.split()
        if module not in INERT | INERT_IN.get(stage, set()) | INERT_OF[study]
        and not any(module == name or module.startswith(f"{name}.") for name in listed)
    ]
    assert missing == [], f"add them to fingerprint.STAGE_MODULES or CODE[{stage!r}] in the settings of {study}"


def test_conda_environments_pin_what_the_lock_file_pins() -> None:
    lines = (REPOSITORY / "requirements/cpu.lock").read_text().splitlines()
    pins = {name.lower(): version for name, _, version in (line.partition("==") for line in lines if "==" in line)}
    names = {"pytorch": "torch", "py-xgboost": "xgboost-cpu", "matplotlib-base": "matplotlib"}
    for path in sorted((REPOSITORY / "envs").glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text())["dependencies"]:
            name, _, version = entry.partition(" =")
            if name != "python":
                assert pins[names.get(name, name)] == version, f"{path.name}: {name}"
