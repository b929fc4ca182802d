"""From a package to a graph: what onnxruntime gives, what is refused, and the same bytes each time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.bdt import TreeData, save_trees, train_trees
from hitforge.bdt_settings import TreeSettings
from hitforge.cli import main
from hitforge.packages import REQUIRED, open_package, write_package
from hitforge.scaling import fit_scaling
from hitforge.stages import check_onnx
from hitforge.stages.export_onnx import export_model
from hitforge.studies.base import Study
from hitforge.training.member_files import TrainedMember, save_member
from tests.unit.small_parts import study_of

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
LINEAR = {"kind": "linear", "ok": True, "e_min_gev": 100.0, "e_max_gev": 4000.0, "a": 0.9, "b": 20.0}
CALIBRATION: dict[str, dict[str, Any]] = {
    "calo_muon": {"ensemble": LINEAR},
    "csc_muon": {
        "pt_scaling": {"ok": True, "thresholds_gev": (3.0, 5.0), "cuts_gev": (2.0, 4.0)},
        "sigma_scale": 1.2,
    },
    "object_id": {"temperature": 1.3},
    "scouting_egamma": {
        "pt_edges_gev": [10.0], "eta_edges": [1.5], "sigma_scale": [1.0] * 4, "factors": [[[1.0, 1.1]] * 2] * 4
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def extra() -> None:
    for name in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(name, reason="pip install 'hitforge[onnx]'")


def package(study: Study, model: str, trained: dict[str, bytes], folder: Path, **manifest: Any) -> Path:
    names = list(study.feature_set(study.settings.models[model].features))
    members = [{"file": name} for name in sorted(trained) if name != "scaling.json"]
    about = {"model": model, "fit": model, "features": names, "members": members, **manifest}
    plain = {
        "model.json": about,
        "calibration.json": CALIBRATION[study.name],
        "settings.json": study.declared.given_settings(study.settings, "apply", model),
    }
    files = {name: json.dumps(plain.get(name, {})).encode() for name in REQUIRED} | trained
    path = folder / f"{model}.hitforge.zip"
    write_package(path, study.name, model, files, kind=manifest["kind"])
    return path


def network_package(name: str, model: str, folder: Path) -> Path:
    """Return a package of two members with first weights, and the scaling of features of no detector."""
    study, files = study_of(name), {}
    names = study.layout.feature_names
    features = np.random.default_rng(1).normal(2, 3, (500, len(names))).astype(np.float32)
    scaling = fit_scaling([(features, np.zeros(500, np.int16))], names, 10, [1])
    for k in range(2):
        weights = study.build_network(model, k + 1).state_dict()
        member = TrainedMember(weights, [], 0, 1.0, 1, 1, 1, "max_epochs", k)
        save_member(folder / f"member_{k}.safetensors", member, {})
        files[f"member_{k}.safetensors"] = (folder / f"member_{k}.safetensors").read_bytes()
    files["scaling.json"] = scaling.model_dump_json().encode()
    return package(study, model, files, folder, kind="network", weights=[0.7, 0.3])


def booster_package(folder: Path) -> Path:
    """Return a package of the muon study's boosted trees, trained on little."""
    study = study_of("calo_muon")
    names = study.feature_set("default")
    random = np.random.default_rng(1)
    features = random.normal(0, 3, (500, len(names))).astype(np.float32)
    data = TreeData(features, np.exp(features[:, 0]), np.ones(500, np.float32))
    booster = train_trees(data, data, names, TreeSettings(rounds=20), 1).booster
    save_trees(booster, folder / "booster_0.ubj")
    return package(
        study, "bdt", {"booster_0.ubj": (folder / "booster_0.ubj").read_bytes()}, folder, kind="trees", weights=[1.0]
    )


@pytest.mark.parametrize(
    ("study", "model", "columns"),
    [
        ("calo_muon", "layers_density", {"energy", "density", "energy_calibrated"}),
        pytest.param("calo_muon", "cnn", {"energy", "energy_calibrated"}, marks=pytest.mark.slow),
        pytest.param("csc_muon", "ens5", {"q_over_pt_spread", "pt_calibrated"}, marks=pytest.mark.slow),
        pytest.param("scouting_egamma", "ens5", {"y", "y_calibrated"}, marks=pytest.mark.slow),
        pytest.param("object_id", "ens5", {"class_probabilities_calibrated"}, marks=pytest.mark.slow),
    ],
)
def test_a_network_of_each_study(
    study: str, model: str, columns: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    monkeypatch.setattr(check_onnx, "_EVENTS", 40)
    out = tmp_path / "model.onnx"
    assert main(["export", str(network_package(study, model, tmp_path)), "--out", str(out)]) == 0
    session = onnxruntime.InferenceSession(out)
    assert columns <= {output.name for output in session.get_outputs()}
    about = session.get_modelmeta().custom_metadata_map
    assert (about["study"], about["model"]) == (study, model)
    width = {given.name: given.shape for given in session.get_inputs()}["features"][1]
    assert len(about["feature_names"].split(",")) == len(about["feature_units"].split(",")) == width
    # any number of events
    for n in (1, 3):
        inputs = {i.name: np.ones((n, *i.shape[1:]), np.float32) for i in session.get_inputs()}
        assert all(len(values) == n for values in session.run(None, inputs))


def test_boosters_are_written_the_same_each_time_and_calibrated(tmp_path: Path) -> None:
    import onnxruntime

    given, out, again = booster_package(tmp_path), tmp_path / "a.onnx", tmp_path / "b.onnx"
    for path in (out, again):
        assert main(["export", str(given), "--out", str(path)]) == 0
    assert out.read_bytes() == again.read_bytes()
    session = onnxruntime.InferenceSession(out)
    rows = np.random.default_rng(3).normal(0, 3, (20, 28)).astype(np.float32)
    energy, calibrated = session.run(["energy", "energy_calibrated"], {"features": rows})
    np.testing.assert_allclose(calibrated, (energy - 20.0) / 0.9, rtol=1e-6)


def test_a_graph_that_differs_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = check_onnx.run
    monkeypatch.setattr(
        check_onnx, "run", lambda *given: {k: v * np.float32(1 + 3e-4) for k, v in made(*given).items()}
    )
    assert main(["export", str(booster_package(tmp_path)), "--out", str(tmp_path / "a.onnx")]) == 2
    assert "energy by 0.0003" in capsys.readouterr().err
    assert not (tmp_path / "a.onnx").exists()


def test_tables_are_refused(tmp_path: Path) -> None:
    study = study_of("csc_muon")
    given = package(study, "dphi-lut", {"table_0.json": b'{"table": {}}'}, tmp_path, kind="table", weights=[1.0])
    with open_package(given) as opened, pytest.raises(ValueError, match="csc_muon/dphi-lut is a lookup table"):
        export_model(study, opened.manifest, None, opened.calibration)


def test_the_example_in_cpp(tmp_path: Path) -> None:
    """ORT_ROOT is the unpacked archive of a release of onnxruntime, with include and lib."""
    import onnxruntime

    root, compiler = os.environ.get("ORT_ROOT"), shutil.which("c++")
    if root is None or compiler is None:
        pytest.skip("needs c++ and ORT_ROOT, the folder of an onnxruntime release with include and lib")
    out, program, lib = tmp_path / "a.onnx", tmp_path / "apply_onnx", Path(root) / "lib"
    assert main(["export", str(booster_package(tmp_path)), "--out", str(out)]) == 0
    source = str(EXAMPLES / "apply_onnx.cpp")
    options = ["-std=c++17", f"-I{root}/include", f"-L{lib}", "-lonnxruntime", f"-Wl,-rpath,{lib}"]
    subprocess.run([compiler, source, *options, "-o", str(program)], check=True)
    rows = np.random.default_rng(3).normal(0, 3, (5, 28)).astype(np.float32)
    rows[1, 2] = np.nan
    text = "\n".join(" ".join(f"{value:.9g}" for value in row) for row in rows)
    printed = subprocess.run([program, out], input=text, capture_output=True, text=True, check=True).stdout
    found = {line.split()[0]: np.array(line.split()[1:], dtype=float) for line in printed.splitlines()[1:]}
    (energy,) = onnxruntime.InferenceSession(out).run(["energy"], {"features": rows})
    np.testing.assert_allclose(found["energy"], energy, rtol=1e-5)
