"""The RO-Crate of a run, read back by the library."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from hitforge.stages.describe_run import PROFILE, describe_run


@pytest.fixture
def results(report: Any, tmp_path: Path) -> Path:
    """A results folder with a study's tables, figures, metrics and inventories, and a page."""
    folder = tmp_path / "results"
    for kind in ("tables", "figures"):
        shutil.copytree(getattr(report, kind), folder / "calo_muon" / kind)
    for kind in ("metrics", "inventories"):
        place = folder / "calo_muon" / {"inventories": "inventory"}.get(kind, kind)
        place.mkdir()
        for path in getattr(report.inputs, kind).values():
            shutil.copy(path, place)
    (folder / "report").mkdir()
    (folder / "report/index.html").write_text("<!DOCTYPE html>")
    return folder


def test_the_crate_names_inputs_software_and_results(report: Any, results: Path) -> None:
    rocrate = pytest.importorskip("rocrate.rocrate")
    describe_run(results, ["calo_muon"], results / "report/index.html")
    crate = rocrate.ROCrate(results)
    assert crate.root_dataset["conformsTo"].id == PROFILE
    run = crate.get("#run")
    assert run.type == "CreateAction"
    assert run["instrument"]["softwareVersion"].startswith(crate.get("#hitforge")["softwareVersion"])
    assert {"#numpy", "#python"} <= {software.id for software in run["instrument"]["softwareRequirements"]}
    checksums = {
        inventory.parts[name].content_checksum
        for inventory in report.inputs.inventory_of.values()
        for name in inventory.good
    }
    assert {item["identifier"] for item in run["object"] if item.get("identifier")} == checksums
    made = {item.id for item in run["result"]}
    assert {f"calo_muon/tables/{name}.csv" for name in report.catalogue.tables} <= made
    assert {f"calo_muon/figures/{name}.svg" for name in report.catalogue.figures} <= made
    assert "report/index.html" in made
    assert all((results / name).is_file() for name in made)


def test_without_the_library_the_command_to_install_it_is_said(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("rocrate.model.contextentity", "rocrate.model.file", "rocrate.rocrate"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=r"pip install 'hitforge\[rocrate\]'"):
        describe_run(results, ["calo_muon"], results / "report/index.html")
    assert not (results / "ro-crate-metadata.json").exists()
