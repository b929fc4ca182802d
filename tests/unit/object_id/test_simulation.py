"""The parametric generator: its distributions, its repeatability, its options."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.objects import JET, TAU, join
from hitforge.studies.object_id.simulation.generate import simulate_objects
from hitforge.studies.object_id.simulation.particles import jets, taus
from hitforge.studies.object_id.simulation.settings import SimulationSettings
from tests.unit.object_id.part_builders import IMAGE, some_objects

# median T in GeV, EM fraction and cells of electron, jet, muon, tau, of an independent prototype of the same formulas
PROTOTYPE = ((33.8, 0.964, 16), (28.4, 0.55, 52), (2.6, 0.21, 15), (29.5, 0.55, 27))


@pytest.mark.parametrize("label", range(4))
def test_medians_are_those_of_the_prototype(label: int) -> None:
    objects = some_objects(3000, seed=5)
    chosen = objects.take((objects.label == label) & (objects.n_prong != 0))
    total = chosen.image.sum(axis=(1, 2, 3))
    energy, fraction, cells = PROTOTYPE[label]
    assert np.median(total) == pytest.approx(energy, rel=0.08)
    assert np.median(chosen.image[:, 0].sum(axis=(1, 2)) / total) == pytest.approx(fraction, abs=0.05)
    assert np.median((chosen.image > 0).sum(axis=(1, 2, 3))) == pytest.approx(cells, abs=2)


def test_all_classes_have_one_spectrum_and_as_many_usable_objects() -> None:
    objects = some_objects(3000, seed=5)
    usable = objects.take(objects.n_prong != 0)
    counts = np.bincount(usable.label)
    assert np.all(np.abs(counts - counts.mean()) < 5 * np.sqrt(2 * counts.mean()))  # drawn in pairs
    for label in range(4):
        pt = usable.pt[usable.label == label]
        assert pt.min() >= 20 and pt.mean() == pytest.approx(38.0, abs=4 * 18 / np.sqrt(len(pt)))


def test_objects_of_an_event_come_in_pairs_and_share_its_number() -> None:
    objects = some_objects()
    assert np.array_equal(objects.event[::2], objects.event[1::2])
    assert len(np.unique(objects.event)) == len(objects) // 2
    assert np.array_equal(objects.label[::2], objects.label[1::2])
    assert np.array_equal(objects.proc, objects.label)  # jets come from dijets, not from the recoil of a Z
    assert np.all((objects.n_prong >= 0) == (objects.label == TAU))
    assert np.all((objects.parton != 0) == (objects.label == JET))


def test_the_same_seed_gives_the_same_objects_and_more_of_them_change_none() -> None:
    settings = SimulationSettings()
    first = join(list(simulate_objects(2400, 3, settings, IMAGE)))
    again = join(list(simulate_objects(3, 3, settings, IMAGE)))
    whole = join(list(simulate_objects(2200, 3, settings, IMAGE)))
    assert len(again) == 2
    assert np.array_equal(first.image[:2000], whole.image[:2000])
    assert not np.array_equal(first.image[:100], some_objects(100, seed=4).image)


def test_options_do_what_they_say() -> None:
    quiet = SimulationSettings(em_noise_gev=0.0, had_noise_gev=0.0, leptonic_taus=0.0, punch_through=1.0)
    objects = join(list(simulate_objects(400, 2, quiet, IMAGE)))
    assert not np.any(objects.n_prong == 0)
    jet = objects.take(objects.label == JET)
    assert np.all(jet.image[:, 0] == 0) and np.all(jet.image[:, 1].sum(axis=(1, 2)) > 0)
    with_pileup = join(list(simulate_objects(400, 2, quiet.model_copy(update={"pileup": True}), IMAGE)))
    assert with_pileup.image.sum() > objects.image.sum() * 1.01
    wide = join(list(simulate_objects(10, 2, quiet, ImageSettings(rows=20, columns=12))))
    assert wide.image.shape == (10, 2, 20, 12)


def test_shares_add_up_to_the_objects_momentum() -> None:
    rng = np.random.default_rng(1)
    pt = rng.uniform(20, 200, 300)
    tau = taus(rng, pt, rng.choice([1, 3], 300))
    jet = jets(rng, pt, rng.random(300) < 0.5, np.zeros(300, bool))
    assert tau.pt.sum(axis=1) == pytest.approx(pt) and jet.pt.sum(axis=1) == pytest.approx(pt)
    assert {field.name for field in dataclasses.fields(tau)} == {"pt", "deta", "dphi", "kind"}
    assert np.hypot(jet.deta, jet.dphi).max() <= 0.45
