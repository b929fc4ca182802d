"""Fast simulation against Geant4: coarse always, full where the reference files are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.hits import CellHits
from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.data.muons import Muons
from hitforge.studies.calo_muon.simulation.tuning import ShowerTuning
from tests.unit.calo_muon import acceptance, acceptance_layers
from tests.unit.calo_muon import geant4_medians as published


def test_100_gev_is_close_to_the_printed_medians() -> None:
    rows = {r.quantity: r for r in acceptance.compare_published(ShowerTuning(), (300, 10, 10)) if "100 GeV" in r.sample}
    assert set(rows) == set(published.MEDIANS)
    for name in ("E_dep", "cells > 10 MeV", "cells > 0.1 MeV", "E in cells 0.01-0.1 GeV"):
        assert rows[name].fast == pytest.approx(rows[name].reference, rel=0.10), name
    assert rows["E in cells < 0.01 GeV"].fast == pytest.approx(0.60, rel=0.15)
    for name, row in rows.items():
        if name.startswith("f, "):
            assert row.fast == pytest.approx(row.reference, abs=0.03), name
    assert rows["bend, last five layers"].fast == pytest.approx(10.78, rel=0.1)


@pytest.mark.parametrize(
    ("name", "reference", "fast", "sigma", "verdict"),
    [
        ("E_dep", 10.0, 10.4, 0.1, "pass"),
        ("E_dep", 10.0, 10.6, 0.1, "fail"),
        ("E_dep", 10.0, 10.6, 0.4, "pass"),
        ("E_dep", 10.0, 10.0, 0.6, "not tested"),
        ("E in cells > 0.1 GeV", 1.0, 1.09, 0.01, "pass"),
        ("cells > 0.1 MeV", 100.0, 114.0, 1.0, "pass"),
        ("cells > 0.1 MeV", 100.0, 116.0, 1.0, "fail"),
        ("f, > 30 mm", 0.05, 0.069, 0.001, "pass"),
        ("f, > 30 mm", 0.05, 0.071, 0.001, "fail"),
    ],
)
def test_verdicts(name: str, reference: float, fast: float, sigma: float, verdict: str) -> None:
    assert acceptance.judge(name, reference, fast, sigma) == verdict


def test_quantities_of_layers() -> None:
    """Two muons of two cells each, by hand."""
    geometry = load_geometry("pbwo4_40.64mm").model_copy(update={"field_tesla": 0.0})
    cell = np.array([16 * 32 + 16, 16 * 32 + 18, (7 * 32 + 16) * 32 + 16, (7 * 32 + 31) * 32 + 16], np.uint16)
    hits = CellHits(np.array([0, 2, 4]), cell, np.array([0.04, 0.012, 0.3, 0.1], np.float32))
    x = np.full(2, 1.875, np.float32)  # the middle of column 16
    muons = Muons(hits, np.full(2, 100.0, np.float32), x, x, np.array([-1, 1], np.int8))
    found = acceptance_layers.layer_quantities(muons, geometry, -50.1)
    np.testing.assert_allclose(found["E"][[0, 57]], [0.052, 0.4])
    assert found["E"].sum() == pytest.approx(0.452)
    np.testing.assert_allclose(found["f, largest cell"][[0, 57]], [0.04 / 0.052, 0.75])
    np.testing.assert_array_equal(found["cells > 10 MeV"][[0, 57, 1]], [2, 2, 0])
    np.testing.assert_allclose(found["f, 5-15 mm"][[0, 57]], [0.012 / 0.052, 0.0])
    np.testing.assert_allclose(found["f, > 30 mm"][[0, 57]], [0.0, 0.25])
    # with the field the path bends away from the cell it entered by: 0.3 * 2 * 2.1^2 / (2 * 100) m = 13 mm at the back
    back = np.array([(49 * 32 + 16) * 32 + 16], np.uint16)
    hits = CellHits(np.array([0, 1]), back, np.ones(1, np.float32))
    muons = Muons(hits, np.full(1, 100.0, np.float32), x[:1], x[:1], np.array([-1], np.int8))
    found = acceptance_layers.layer_quantities(muons, load_geometry("pbwo4_40.64mm"), -50.1)
    assert found["f, 5-15 mm"][49] == 1


def test_bootstrap_error_of_a_median() -> None:
    values = np.random.default_rng(1).normal(5.0, 1.0, 2000)
    value, sigma = acceptance.centre("E_dep", values)
    assert value == pytest.approx(5.0, abs=0.1)
    assert sigma == pytest.approx(1.2533 / np.sqrt(2000), rel=0.2)


@pytest.mark.slow
def test_acceptance_against_geant4_files(reference_data: Path) -> None:
    paths = sorted(reference_data.glob("geant4_*.root"))
    if not paths:
        pytest.skip(f"no geant4_*.root in {reference_data}")
    rows = acceptance.compare_files(paths, load_geometry("pbwo4_40.64mm"), ShowerTuning())
    tested = [r for r in rows if r.verdict != "not tested"]
    failed = [r for r in tested if r.verdict == "fail"]
    pooled = {r.quantity: r for r in rows if r.sample == "flat 50-8000 GeV"}
    for name in ("E_dep", "cells > 10 MeV", "cells > 0.1 MeV", "E in cells < 0.01 GeV", "E in cells 0.01-0.1 GeV"):
        assert pooled[name].verdict == "pass", pooled[name]
    assert all(r.verdict == "pass" for r in rows if r.quantity.startswith("f, ") and r.verdict != "not tested")
    # with this many rows a few pass the 2 sigma line by chance
    assert len(failed) <= 0.05 * len(tested), failed
