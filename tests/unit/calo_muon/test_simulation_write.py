"""ROOT files of the simulation, read back with uproot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uproot

from hitforge.studies.calo_muon.data.geometry import Geometry, load_geometry
from hitforge.studies.calo_muon.data.muons import Muons
from hitforge.studies.calo_muon.settings import SimulationSettings
from hitforge.studies.calo_muon.simulation import write
from hitforge.studies.calo_muon.simulation.generate import simulate_muons
from tests.unit.calo_muon.acceptance import read_reference


@pytest.fixture(scope="module")
def geometry() -> Geometry:
    return load_geometry("pbwo4_40.64mm")


@pytest.fixture(scope="module")
def muons(geometry: Geometry) -> Muons:
    return simulate_muons(7, 1, geometry, SimulationSettings(e_max_gev=200.0), "flat")


@pytest.mark.parametrize("batch", [3, 50])
def test_b4_round_trip(
    tmp_path: Path, geometry: Geometry, muons: Muons, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(write._BATCH, "b4", batch)
    path = tmp_path / "folder" / "part.root"
    write.write_part(path, muons, geometry, SimulationSettings())
    with uproot.open(path) as file:
        data = file["B4"].arrays(library="np")
    dense = muons.hits.to_dense(geometry.n_cells)
    np.testing.assert_array_equal(data["rechit_energy"], dense)
    assert data["rechit_energy"].dtype == np.float64
    np.testing.assert_allclose(data["total_dep_energy"], dense.sum(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(data["true_energy"], muons.energy_gev)
    np.testing.assert_array_equal(data["true_x"], muons.x_mm)
    np.testing.assert_array_equal(data["isMuon"], [1, 0, 1, 0, 1, 0, 1])
    np.testing.assert_array_equal(data["isAntiMuon"], [0, 1, 0, 1, 0, 1, 0])
    assert "rechit_x" not in data
    for name in ("limit_bits", "limit_bits_track"):
        np.testing.assert_array_equal(data[name], getattr(muons, name))
        assert data[name].dtype == np.float32
    assert [p.name for p in path.parent.iterdir()] == ["part.root"]


def test_b4_full_branches(tmp_path: Path, geometry: Geometry, muons: Muons) -> None:
    few = Muons(muons.hits.slice(0, 2), muons.energy_gev[:2], muons.x_mm[:2], muons.y_mm[:2], muons.charge[:2])
    write.write_part(tmp_path / "a.root", few, geometry, SimulationSettings(full_branches=True))
    with uproot.open(tmp_path / "a.root") as file:
        data = file["B4"].arrays(library="np")
    cell = (7 * 32 + 3) * 32 + 30
    assert data["rechit_x"][1, cell] == pytest.approx(-58.125 + 3 * 3.75)
    assert data["rechit_y"][1, cell] == pytest.approx(-58.125 + 30 * 3.75)
    assert data["rechit_z"][1, cell] == pytest.approx(7 * 40.64)
    assert data["rechit_layer"][0, cell] == 7
    assert data["rechit_detid"][0, cell] == cell
    assert data["rechit_varea"][0, 0] == pytest.approx(3.75**2)


def test_compact_round_trip(tmp_path: Path, geometry: Geometry, muons: Muons) -> None:
    write.write_part(tmp_path / "a.root", muons, geometry, SimulationSettings(layout="compact"))
    back = read_reference(tmp_path / "a.root")
    np.testing.assert_array_equal(back.hits.indptr, muons.hits.indptr)
    np.testing.assert_array_equal(back.hits.cell, muons.hits.cell)
    np.testing.assert_array_equal(back.hits.energy, muons.hits.energy)
    np.testing.assert_array_equal(back.charge, muons.charge)
    with uproot.open(tmp_path / "a.root") as file:
        np.testing.assert_allclose(
            file["muons"]["e_dep"].array(library="np"),
            np.add.reduceat(muons.hits.energy, muons.hits.indptr[:-1]),
            rtol=1e-5,
        )
        np.testing.assert_array_equal(file["muons"]["limit_bits"].array(library="np"), muons.limit_bits)
        np.testing.assert_array_equal(file["muons"]["limit_bits_track"].array(library="np"), muons.limit_bits_track)
        assert file["muons"]["event"].array(library="np").tolist() == list(range(7))


def test_failed_write_leaves_nothing(
    tmp_path: Path, geometry: Geometry, muons: Muons, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        write.write_part(tmp_path / "a.root", muons, geometry, SimulationSettings(layout="compact"))
    assert not list(tmp_path.iterdir())
