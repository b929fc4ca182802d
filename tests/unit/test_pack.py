"""From a results folder to a package: pack, card and resolution as a user calls them, on a lookup table."""

from __future__ import annotations

import csv
import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import hitforge
from hitforge.cli import main
from hitforge.config import SampleSettings, load_settings
from hitforge.ntuple import NtupleError
from hitforge.packaged_study import packaged_study
from hitforge.packages import MADE_BY, PackageError, open_package
from hitforge.provenance import read_json, write_json
from hitforge.shard_lists import write_shard_list
from hitforge.shards import Shard
from hitforge.stages.pack import pieces_in
from hitforge.studies.base import Study, load_study
from hitforge.studies.calo_muon.data.geometry import SHIPPED
from hitforge.validation import Inventory, PartEntry
from tests.unit.given import given

MODEL = "dphi-lut"
CONFIG = {"csc_muon": {"evaluation": {"bootstraps": 3}}}


@pytest.fixture(autouse=True)
def restore_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take back what the commands set up for their logs."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results folder of a small production with one part and one model, and its configuration beside it."""
    folder = tmp_path_factory.mktemp("production")
    config = folder / "my.yaml"
    config.write_text(yaml.safe_dump(CONFIG))
    results = folder / "results/csc_muon"
    study = ["--study", "csc_muon", "--configfile", str(config)]
    part, shard, model = folder / "part.root", results / "shards/train/part.h5", results / f"models/{MODEL}"
    manifest = ["--manifest", str(model / "model.json")]
    predicted, calibration = folder / "p.h5", results / f"calibration/{MODEL}.json"
    metrics = results / f"metrics/{MODEL}.json"
    for command in (
        ["simulate", *study, "--events", "1500", "--out", str(part)],
        ["build-shard", *study, "--out", str(shard), str(part)],
        ["train-bdt", *study, "--model", MODEL, "--out", str(model), str(shard)],
        ["predict", *study, *manifest, "--out", str(predicted), str(shard)],
        ["calibrate", *study, "--out", str(calibration), str(predicted)],
        ["evaluate", *study, "--model", MODEL, *manifest, "--calibration", str(calibration), "--heldout",
         str(predicted), "--out", str(metrics)],
    ):  # fmt: skip
        assert main(command) == 0, command
    write_shard_list(shard.parent / "b000.json", [shard])
    with Shard(shard) as opened:
        entry = PartEntry(status="good", n_events=len(opened), content_checksum="0", source=str(part))
    inventory = Inventory(study="csc_muon", sample="train", parts={"part": entry})
    write_json(results / "inventory/train.json", inventory.model_dump(mode="json"))
    return results.parent


def pack(results: Path, out: Path, *more: str) -> int:
    config = ["--configfile", str(results.parent / "my.yaml")]
    return main(["pack", str(results), "--study", "csc_muon", "--model", MODEL, *config, *more, "--out", str(out)])


@pytest.fixture(scope="module")
def package(production: Path) -> Path:
    out = production / "lut.hitforge.zip"
    assert pack(production, out) == 0
    return out


def edited(production: Path, folder: Path, name: str, **fields: Any) -> Path:
    """Return a copy of a production in which fields of a JSON file differ."""
    shutil.copytree(production.parent, folder, dirs_exist_ok=True)
    path = folder / "results/csc_muon" / name
    write_json(path, read_json(path) | fields)
    return folder / "results"


def test_a_package_holds_the_files_of_the_production(production: Path, package: Path) -> None:
    results = production / "csc_muon"
    with open_package(package) as opened:
        assert (opened.study, opened.model, opened.scaling) == ("csc_muon", MODEL, None)
        for name, path in (
            ("model.json", f"models/{MODEL}/model.json"),
            ("table_0.json", f"models/{MODEL}/table_0.json"),
            ("calibration.json", f"calibration/{MODEL}.json"),
            ("metrics.json", f"metrics/{MODEL}.json"),
        ):
            assert (opened.folder / name).read_bytes() == (results / path).read_bytes()
        assert b"BSD 3-Clause" in (opened.folder / "LICENSE").read_bytes()
        study = load_study(opened.study, opened.settings, "apply")
        assert list(opened.about["reads"]["features"]) == list(study.layout.feature_names)
        assert set(opened.about["config_hashes"]) == set(MADE_BY.values())
        with Shard(results / "shards/train/part.h5") as shard:
            target = shard.column("targets/q_over_pt")
        about = opened.about["training"]
        found = about["ranges"]["q_over_pt"]
        assert (found["low"], found["high"], found["units"]) == (target.min(), target.max(), "1/GeV")
        assert about["parts"] == ["part"] and 0 < about["n_events"] < len(target)


def test_packing_again_gives_the_same_bytes_also_from_the_folder_of_the_study(
    production: Path, package: Path, tmp_path: Path
) -> None:
    config = ["--configfile", str(production.parent / "my.yaml")]
    again = tmp_path / "again.zip"
    assert main(["pack", str(production / "csc_muon"), "--model", MODEL, *config, "--out", str(again)]) == 0
    assert again.read_bytes() == package.read_bytes()


def test_the_card_tells_numbers_data_and_limits(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", str(package)]) == 0
    card = capsys.readouterr().out
    with open_package(package) as opened:
        accuracy = opened.metrics["samples"]["heldout"]["classes"]["accuracy"]
        assert f"Package hash: {opened.hash}" in card
        assert f"`{opened.about['files']['table_0.json']['sha256']}`" in card
    row = next(line for line in card.splitlines() if line.startswith("| classes.accuracy"))
    assert float(row.split("|")[2].partition("±")[0]) == pytest.approx(accuracy["value"], abs=accuracy["error"])
    for words in ("# Model dphi-lut of study csc_muon", "generated by", "When not to use it", "preset `demo`"):
        assert words in card


def test_resolution_is_that_of_the_bin_that_holds_the_momentum(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ["resolution", "--package", str(package), "--energies", "6"]
    table, submitted = tmp_path / "r.csv", tmp_path / "r.yaml"
    assert main([*ask, "--out", str(table)]) == main([*ask, "--out", str(submitted)]) == 0
    (row,) = csv.DictReader(table.read_text().splitlines())
    with open_package(package) as opened:
        edges = opened.metrics["settings"]["pt_edges_gev"]
        (i,) = [k for k in range(len(edges) - 1) if edges[k] <= 6 < edges[k + 1]]
        bias = opened.metrics["samples"]["heldout"]["resolution_pt"]["bias"]
    assert (float(row["low [GeV]"]), float(row["high [GeV]"])) == (edges[i], edges[i + 1])
    assert float(row["bias [%]"]) == pytest.approx(100 * bias["value"][i])
    assert float(row["bias_error [%]"]) == pytest.approx(100 * bias["error"][i])
    bins = yaml.safe_load(submitted.read_text())["independent_variables"][-1]
    assert bins == {"header": {"name": "pT", "units": "GeV"}, "values": [{"low": edges[i], "high": edges[i + 1]}]}
    capsys.readouterr()
    assert main([*ask, "9000"]) == 2
    assert "no bin holds pT = 9000 GeV; fix: ask between 2 and" in capsys.readouterr().err
    assert main([*ask, "--out", "r.txt"]) == 2


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (f"models/{MODEL}/model.json", "is not trained here; fix: snakemake results/csc_muon/models/"),
        (f"calibration/{MODEL}.json", "is not calibrated here; fix: snakemake results/csc_muon/calibration/"),
        (f"metrics/{MODEL}.json", "is not evaluated here; fix: snakemake results/csc_muon/metrics/"),
        ("inventory/train.json", "fix: snakemake results/csc_muon/inventory/train.json"),
        ("shards/train/b000.json", "fix: snakemake shards"),
        (f"models/{MODEL}/table_0.json", "table_0.json: no such file, but its model.json names it"),
    ],
)  # fmt: skip
def test_a_missing_piece_names_what_makes_it(
    production: Path, tmp_path: Path, missing: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    results = edited(production, tmp_path, f"models/{MODEL}/model.json")
    (results / "csc_muon" / missing).unlink()
    assert pack(results, tmp_path / "m.zip") == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "m.zip").exists()


def test_a_network_needs_its_scaling(production: Path) -> None:
    with pytest.raises(PackageError, match=r"scaling\.json: no such file"):
        pieces_in(production / "csc_muon", "csc_muon", MODEL, True, "train")


@pytest.mark.parametrize("name", [f"models/{MODEL}/model.json", f"calibration/{MODEL}.json", f"metrics/{MODEL}.json"])
def test_pieces_of_other_settings_are_refused(
    production: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pack(edited(production, tmp_path, name, config_hash="0" * 16), tmp_path / "m.zip") == 2
    told = capsys.readouterr().err
    assert name in told and "config_hash is 0000000000000000" in told and "--configfile of that run" in told


def test_parts_that_are_gone_are_told(production: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = edited(production, tmp_path, f"models/{MODEL}/model.json", training_parts=["part", "other"])
    assert pack(results, tmp_path / "m.zip") == 2
    assert "parts that the model was trained on are gone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda settings: settings.pop("cuts"), "cuts: not there"),
        (lambda settings: settings["reader"].popitem(), "reader."),
        (lambda settings: settings["reader"].update(unheard_of=1), "reader.unheard_of: Extra inputs"),
    ],
)
def test_settings_of_another_release_are_refused(
    package: Path, change: Callable[[dict[str, Any]], Any], told: str
) -> None:
    with open_package(package) as opened:
        settings = dict(opened.settings)
        assert packaged_study(opened, "apply").settings.cuts
        change(settings)
        write_json(opened.folder / "settings.json", settings)
        with pytest.raises(PackageError) as caught:
            packaged_study(opened, "apply")
    assert told in str(caught.value) and f"pip install hitforge=={hitforge.__version__}" in str(caught.value)


@pytest.fixture
def geometry(tmp_path: Path) -> Path:
    """A calorimeter of fewer layers than the shipped ones."""
    block = yaml.safe_load((SHIPPED / "pbwo4_39.6mm.yaml").read_text()) | {"name": "mine", "n_z": 40}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(block))
    return path


def calo_muon(geometry: str) -> Study:
    settings = load_settings({"studies": ["calo_muon"], "calo_muon": {"geometry": geometry}}).studies["calo_muon"]
    return load_study("calo_muon", settings)


def packed_settings(study: Study) -> dict[str, Any]:
    """Return the settings of a package as they are read back."""
    given = study.declared.given_settings(study.settings, "apply", "cnn")
    portable = load_study(study.name, given, "pack").portable_settings(given)
    return dict(json.loads(json.dumps(portable)))


def test_settings_of_a_package_name_no_file_of_this_machine(geometry: Path) -> None:
    given = packed_settings(calo_muon(str(geometry)))
    block = yaml.safe_load(geometry.read_text())
    geometry.unlink()
    assert str(geometry) not in json.dumps(given)
    study = load_study("calo_muon", given, "apply")
    assert study.layout.voxel_shape == (40, block["n_x"], block["n_y"])
    assert study.settings.geometry.pitch_z_mm == block["pitch_z_mm"]


def test_file_of_another_geometry_and_of_another_study_are_refused(geometry: Path, tmp_path: Path) -> None:
    study = load_study("calo_muon", packed_settings(calo_muon("pbwo4_40.64mm")), "apply")
    sample = SampleSettings(role="test", parts=1, events_per_part=2)
    other, roads = tmp_path / "other.root", tmp_path / "roads.root"
    given(calo_muon(str(geometry)), "simulate").simulate(other, sample, seed=1)
    with pytest.raises(NtupleError, match=r"40960 cells in every entry, geometry pbwo4_40\.64mm has 51200"):
        next(study.open_entries(str(other)))
    csc_muon = load_study("csc_muon", load_settings({"studies": ["csc_muon"]}).studies["csc_muon"])
    given(csc_muon, "simulate").simulate(roads, sample, seed=1)
    with pytest.raises(NtupleError, match="missing_branch"):
        next(study.open_entries(str(roads)))
