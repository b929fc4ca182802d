"""Objects from whole events: on records written by hand, and from the optional generator where it is installed."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from hitforge.studies.object_id.data.objects import CLASS_NAMES, ELECTRON, JET, MUON, TAU, join
from hitforge.studies.object_id.simulation.events import Events, jets, leptons, particles_around, taus, turn
from hitforge.studies.object_id.simulation.generate import simulate_objects
from hitforge.studies.object_id.simulation.particles import HADRON, PHOTON
from hitforge.studies.object_id.simulation.particles import MUON as MUON_RESPONSE
from hitforge.studies.object_id.simulation.settings import SimulationSettings
from tests.unit.object_id.part_builders import IMAGE


def towards(pt: float, eta: float, phi: float) -> tuple[float, float, float]:
    return pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)


# pdg, status, first and last daughter, momentum
Entry = tuple[int, int, int, int, tuple[float, float, float]]


def records(*events: list[Entry]) -> Events:
    entries = [entry for event in events for entry in event]
    return Events(
        offsets=np.cumsum([0, *(len(event) for event in events)]),
        pdg=np.array([e[0] for e in entries]),
        status=np.array([e[1] for e in entries]),
        daughters=np.array([e[2:4] for e in entries]),
        momentum=np.array([e[4] for e in entries], dtype=np.float64),
    )


DILEPTON: list[Entry] = [
    (23, -62, 1, 2, (0, 0, 50.0)),
    (11, -23, 3, 4, towards(45, 0.5, 1.0)),
    (-11, 1, 0, 0, towards(40, -0.5, -2.0)),
    (11, 51, 0, 0, towards(41, 0.5, 1.0)),
    (22, 51, 0, 0, towards(4, 0.6, 1.1)),
    (11, 91, 0, 0, towards(2, 2.0, 0.0)),  # from a hadron
]


def test_leptons_are_the_hardest_of_each_charge_after_radiation() -> None:
    axes = leptons(records(DILEPTON, [(211, 1, 0, 0, towards(9, 0, 0))], DILEPTON), 11)
    assert axes.event.tolist() == [0, 0, 2, 2]
    assert axes.pt == pytest.approx([40, 41, 40, 41]) and axes.eta == pytest.approx([-0.5, 0.5, -0.5, 0.5])
    assert set(axes.n_prong) == {-1} and set(axes.parton) == {0}


def test_tau_is_what_is_visible_of_its_decay() -> None:
    event: list[Entry] = [
        (15, -23, 2, 2, towards(60, 0.1, 0.2)),  # a copy that only radiates
        (-15, -23, 3, 5, towards(50, -1.0, 2.0)),
        (15, -51, 6, 9, towards(59, 0.1, 0.2)),
        (-16, 91, 0, 0, towards(20, -1.0, 2.0)),
        (12, 91, 0, 0, towards(20, -1.0, 2.0)),
        (-11, 91, 0, 0, towards(10, -1.0, 2.0)),
        (16, 91, 0, 0, towards(19, 0.1, 0.2)),
        (-211, 91, 0, 0, towards(20, 0.1, 0.2)),
        (-211, 91, 0, 0, towards(12, 0.1, 0.2)),
        (211, -91, 0, 0, towards(8, 0.1, 0.2)),
    ]
    axes = taus(records(DILEPTON, event))
    assert axes.event.tolist() == [1, 1]
    assert axes.pt == pytest.approx([10, 40]) and axes.phi == pytest.approx([2.0, 0.2])
    assert axes.n_prong.tolist() == [0, 3]


def test_jets_have_the_flavour_of_the_closest_hard_parton() -> None:
    event: list[Entry] = [
        (21, -23, 0, 0, towards(40, 0.0, 3.1)),
        (-3, -23, 0, 0, towards(40, 0.25, -3.1)),
        (5, -51, 0, 0, towards(40, 0.1, -3.1)),  # not of the hard process
    ]
    momenta = np.array([towards(30, 0.2, -3.1), towards(35, 0.05, 3.1), towards(33, 2.0, 0.0)])
    axes = jets(records(DILEPTON, event), np.array([1, 1, 1]), momenta)
    assert axes.parton.tolist() == [-3, 21, 0] and axes.pt == pytest.approx([30, 35, 33])


def test_particles_around_an_axis_are_those_of_its_event_and_window() -> None:
    event: list[Entry] = [
        (13, 1, 0, 0, towards(30, 1.0, 3.1)),
        (22, 1, 0, 0, towards(5, 1.1, -3.1)),  # beyond the seam of phi
        (211, 1, 0, 0, towards(3, 0.5, 3.1)),  # outside the window, inside the margin
        (211, 1, 0, 0, towards(3, 0.3, 3.1)),
        (130, 1, 0, 0, towards(0.2, 1.0, 3.1)),  # too soft
        (14, 1, 0, 0, towards(9, 1.0, 3.1)),
        (111, -91, 0, 0, towards(9, 1.0, 3.1)),
    ]
    both = records(event, DILEPTON)
    axes = leptons(both, 13)
    around = particles_around(both, axes, 0.4, 0.4)
    assert around.pt[0] == pytest.approx([30, 5, 3])
    assert around.kind[0].tolist() == [MUON_RESPONSE, PHOTON, HADRON]
    assert around.dphi[0] == pytest.approx([0, 2 * np.pi - 6.2, 0]) and around.deta[0] == pytest.approx([0, 0.1, -0.5])
    assert particles_around(both, axes.take(np.zeros(1, bool)), 0.4, 0.4).pt.shape == (0, 1)


def test_a_field_turns_charged_particles_and_holds_soft_ones() -> None:
    pdg, pt = np.array([13, -13, 22, 211, 211]), np.array([30.0, 30.0, 30.0, 1.0, 0.4])
    angle = turn(pdg, pt, 2.0)
    assert angle[:3] == pytest.approx([np.arcsin(0.014), -np.arcsin(0.014), 0.0])
    # where the circle through the origin is 1.4 m away from it
    rho = 1.0 / (0.3 * 2.0)
    on_circle = rho * np.array([np.sin(2 * angle[3]), 1 - np.cos(2 * angle[3])])
    assert np.hypot(*on_circle) == pytest.approx(1.4) and np.isnan(angle[4])
    assert not turn(pdg, pt, 0.0).any()
    event: list[Entry] = [(13, 1, 0, 0, towards(30, 1.0, 3.1)), (211, 1, 0, 0, towards(0.4, 1.0, 3.1))]
    around = particles_around(records(event), leptons(records(event), 13), 0.4, 0.4, 2.0)
    assert around.dphi == pytest.approx(np.array([[np.arcsin(0.014)]]))


@pytest.mark.slow
def test_generator_makes_the_same_objects_from_the_same_seed() -> None:
    pytest.importorskip("pythia8mc", reason="optional package pythia8mc: pip install 'hitforge[pythia]'")
    settings = SimulationSettings(generator="pythia", multiparton=False)
    chunks = list(simulate_objects(160, 3, settings, IMAGE))
    objects = join(chunks)
    counts = np.bincount(objects.label)
    assert np.all((counts == 40) | (counts == 41))
    assert objects.pt.min() > 20 and np.abs(objects.eta).max() < 2.4
    total = objects.image.sum(axis=(1, 2, 3))
    em = objects.image[:, 0].sum(axis=(1, 2)) / total
    # medians of T in GeV and of the EM fraction of an independent prototype on the same generator
    for label, energy, fraction in ((ELECTRON, 40.9, 0.967), (JET, 33.6, 0.54), (MUON, 2.6, 0.24), (TAU, 27.8, 0.61)):
        own = (objects.label == label) & (objects.n_prong != 0)
        assert np.median(total[own]) == pytest.approx(energy, rel=0.25), CLASS_NAMES[label]
        assert np.median(em[own]) == pytest.approx(fraction, abs=0.25), CLASS_NAMES[label]
    jet, tau = objects.take(objects.label == JET), objects.take(objects.label == TAU)
    assert len(np.unique(jet.w)) > 10 and np.all(objects.w[objects.label != JET] == 1)
    assert set(tau.n_prong) <= {0, 1, 3, 5} and np.all(np.isin(np.abs(jet.parton), [0, 1, 2, 3, 4, 5, 21]))
    again = next(iter(simulate_objects(160, 3, settings, IMAGE)))
    assert np.array_equal(again.image, chunks[0].image) and np.array_equal(again.event, chunks[0].event)
    assert not np.array_equal(next(iter(simulate_objects(160, 4, settings, IMAGE))).image[:9], again.image[:9])


def test_missing_generator_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(ImportError, match=r"hitforge\[pythia\]"):
        next(simulate_objects(8, 1, SimulationSettings(generator="pythia"), IMAGE))
