"""Code fingerprints: blind to comments and docstrings, sensitive to code, complete for every stage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hitforge.fingerprint import STAGE_MODULES, fingerprint, module_path, stage_modules

REPOSITORY = Path(__file__).parents[2]

# imported everywhere, but without influence on what a stage writes
INERT = {
    "config", "settings_base", "logs", "provenance", "samples", "fingerprint", "studies", "studies.base", "stages",
    "training.settings", "bdt_settings", "evaluation.settings", "training", "networks", "evaluation", "reporting",
    "studies.calo_muon", "studies.calo_muon.settings", "studies.calo_muon.report", "studies.calo_muon.report.names",
}  # fmt: skip
# imported for types or by a neighbour in the same module, without influence on what this stage writes
INERT_IN = {
    "simulate": {"shards", "validation", "studies.calo_muon.feature_table"},
    "validate": {"shards"},
    "fit_table": {"studies.calo_muon.feature_table"},
    "calibrate": {"hits", "shards", "studies.calo_muon.feature_table"},
    "evaluate": {"hits", "shards", "studies.calo_muon.feature_table"},
    "tables": {"reporting.style"},
    "figures": {
        "reporting.tables",
        "reporting.numbers",
        "studies.calo_muon.report.data_tables",
        "reporting.training_tables",
        "reporting.part_tables",
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


@pytest.mark.parametrize("stage", STAGE_MODULES)
def test_listed_modules_exist(stage: str) -> None:
    for module in stage_modules("calo_muon", stage):
        assert module_path(module).exists(), module


STAGE_IMPORTS = {
    "simulate": "hitforge.stages.simulate hitforge.studies.calo_muon.simulation.generate "
    "hitforge.studies.calo_muon.simulation.write",
    "validate": "hitforge.stages.validate hitforge.studies.calo_muon.validate hitforge.studies.calo_muon.lumin",
    "build_shard": "hitforge.stages.build_shard hitforge.studies.calo_muon.ntuple hitforge.studies.calo_muon.lumin",
    "fit_scaling": "hitforge.stages.fit_scaling hitforge.shard_lists",
    "train_trees": "hitforge.stages.train_trees hitforge.studies.calo_muon.weights hitforge.shard_lists",
    "fit_table": "hitforge.stages.fit_table hitforge.shard_lists",
    "train_member": "hitforge.stages.train_member hitforge.studies.calo_muon.weights hitforge.shard_lists "
    "hitforge.studies.calo_muon.networks.network",
    "predict": "hitforge.stages.predict hitforge.prediction hitforge.bdt hitforge.shard_lists "
    "hitforge.studies.calo_muon.networks.network",
    "calibrate": "hitforge.stages.evaluate hitforge.studies.calo_muon.corrections",
    "evaluate": "hitforge.stages.evaluate hitforge.studies.calo_muon.corrections",
    "tables": "hitforge.stages.report_inputs hitforge.stages.report hitforge.studies.calo_muon.report.tables "
    "hitforge.studies.calo_muon.report.text",
    "figures": "hitforge.stages.report_inputs hitforge.stages.report hitforge.studies.calo_muon.report.figures",
}


@pytest.mark.parametrize("stage", STAGE_IMPORTS)
def test_list_and_inert_modules_cover_what_a_stage_imports(stage: str) -> None:
    program = (
        f"import importlib, sys\nfor name in {STAGE_IMPORTS[stage].split()!r} + ['hitforge.studies.calo_muon.study']:\n"
        "    importlib.import_module(name)\n"
        "print(*(m.removeprefix('hitforge.') for m in sys.modules if m.startswith('hitforge.')))"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    listed = stage_modules("calo_muon", stage)
    missing = [
        module
        for module in output.split()
        if module not in INERT | INERT_IN.get(stage, set())
        and not any(module == name or module.startswith(f"{name}.") for name in listed)
    ]
    assert missing == [], f"add them to fingerprint.STAGE_MODULES or CaloMuonSettings.CODE[{stage!r}]"


def test_conda_environments_pin_what_the_lock_file_pins() -> None:
    lines = (REPOSITORY / "requirements/cpu.lock").read_text().splitlines()
    pins = {name.lower(): version for name, _, version in (line.partition("==") for line in lines if "==" in line)}
    names = {"pytorch": "torch", "py-xgboost": "xgboost-cpu", "matplotlib-base": "matplotlib"}
    for path in sorted((REPOSITORY / "envs").glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text())["dependencies"]:
            name, _, version = entry.partition(" =")
            if name != "python":
                assert pins[names.get(name, name)] == version, f"{path.name}: {name}"
