"""The generator: structures of the published distributions, and numbers measured once that must not drift."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.studies.scouting_egamma.data.candidates import TRACK, Candidates
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.data.moments import moments_of
from hitforge.studies.scouting_egamma.data.ntuple import faults
from hitforge.studies.scouting_egamma.simulation.constants import load_constants
from hitforge.studies.scouting_egamma.simulation.generate import dead_map, simulate_candidates
from hitforge.studies.scouting_egamma.simulation.settings import SimulationSettings
from tests.unit.scouting_egamma.builders import simulated

SAMPLE = simulated(60_000)


def of(name: str) -> np.ndarray:
    """Candidates of a category with an energy."""
    return (SAMPLE.category == CATEGORIES.index(name)) & (SAMPLE["e_reco"] > 0)


def test_a_candidate_depends_on_seed_and_number_alone() -> None:
    few = next(iter(simulate_candidates(50, 1, SimulationSettings())))
    for name, values in few.columns.items():
        np.testing.assert_array_equal(values, SAMPLE[name][:50])
    other = next(iter(simulate_candidates(50, 2, SimulationSettings())))
    assert not np.intersect1d(few["event"], other["event"]).size


def test_spectrum_is_flat() -> None:
    for name, low, high in (("gen_pt", 2, 100), ("gen_eta", -2.5, 2.5), ("gen_phi", -np.pi, np.pi)):
        counts = np.histogram(SAMPLE[name], 10, (low, high))[0]
        assert counts.sum() == len(SAMPLE)
        assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() < 27.9  # chi2 of 9, p = 0.001


@pytest.mark.parametrize(
    ("category", "median", "r9"),
    [("EB electron", -0.006, 0.952), ("EB photon", -0.002, 0.963), ("EE electron", 0.001, 0.974),
     ("EE photon", 0.003, 0.981)],
)  # fmt: skip
def test_scale_and_shape(category: str, median: float, r9: float) -> None:
    chosen = of(category)
    response = SAMPLE["e_reco"][chosen] / SAMPLE.true_energy[chosen]
    assert np.median(response) - 1 == pytest.approx(median, abs=0.002)
    e3x3 = SAMPLE.matrix[chosen][:, 1:4, 1:4].sum(axis=(1, 2))
    assert np.median(e3x3 / SAMPLE["raw_energy"][chosen]) == pytest.approx(r9, abs=0.004)


def test_peak_shoulder_and_candidates_without_energy() -> None:
    barrel = SAMPLE["is_EB"] > 0
    response = SAMPLE["e_reco"][barrel] / SAMPLE.true_energy[barrel] - 1
    percent = 100 * np.histogram(response, np.arange(-1.0, 0.51, 0.05))[0] / barrel.sum()
    bins = np.arange(-1.0, 0.5, 0.05)
    shoulder = percent[np.isclose(bins, -0.2)][0]
    # a bump at -0.2 between the flat tail and the peak
    assert shoulder > 3 * percent[np.isclose(bins, -0.4)][0] and percent.argmax() in (19, 20)
    lost = SAMPLE["e_reco"] == 0
    electron = SAMPLE["is_electron"] > 0
    assert 0.025 < lost[electron].mean() < 0.04 and 0.009 < lost[~electron].mean() < 0.016


def test_supermodules_show_as_18_fringes() -> None:
    chosen = of("EB photon")
    response = SAMPLE["e_reco"][chosen] / SAMPLE.true_energy[chosen]
    place = SAMPLE["iphi"][chosen] % 20
    at_gap, inside = np.isin(place, (0, 1)), np.isin(place, np.arange(5, 16))
    assert np.median(response[at_gap]) < np.median(response[inside]) - 0.08
    seen = np.unique(SAMPLE["iphi"][chosen])
    assert seen[0] == 1 and seen[-1] == 360


def test_brem_lowers_what_the_5x5_holds_and_the_track_knows() -> None:
    chosen = of("EB electron")
    share = SAMPLE["energyMatrix"][chosen].sum(axis=1) / SAMPLE.true_energy[chosen]
    fbrem = SAMPLE["fbrem"][chosen]
    assert np.quantile(share[fbrem > 0.7], 0.25) < np.quantile(share[fbrem < 0.2], 0.25) - 0.02
    momentum = SAMPLE["trkpt"][chosen] / SAMPLE["gen_pt"][chosen]
    assert np.median(momentum[fbrem < 0.1]) == pytest.approx(1, abs=0.02)


def test_sieie_of_electrons() -> None:
    width = np.sqrt(moments_of(SAMPLE.matrix).eta_eta)
    found = np.quantile(width[of("EB electron")] * 0.01745, [0.05, 0.5, 0.95])
    np.testing.assert_allclose(found, [0.0065, 0.0100, 0.0152], atol=0.0006)
    assert np.median(width[of("EE electron")] * 0.0447) == pytest.approx(0.0234, abs=0.001)


def test_photons_have_no_track_and_electrons_do() -> None:
    photon = SAMPLE["is_electron"] == 0
    for name in TRACK:
        assert np.isnan(SAMPLE[name][photon]).all()
        assert np.isfinite(SAMPLE[name][~photon & (SAMPLE["e_reco"] > 0)]).all()


def test_dead_channels_are_a_fixed_map_that_the_seed_changes() -> None:
    share = load_constants().dead.eb
    assert dead_map(777, share).mean() == pytest.approx(share, rel=0.15)
    assert (dead_map(777, share) != dead_map(778, share)).any()
    # a cell on a dead channel is never read out
    barrel = SAMPLE["is_EB"] > 0
    ieta, iphi = SAMPLE["ieta"][barrel], SAMPLE["iphi"][barrel]
    index = np.where(ieta > 0, ieta - 1, ieta) + 85
    on_dead = dead_map(777, share)[index, iphi - 1]
    assert (SAMPLE["energyMatrix"][barrel][on_dead, 12] == 0).all() if on_dead.any() else True
    assert 0.15 < SAMPLE["dead_5x5"].mean() < 0.25


def test_other_map_is_a_spectrum() -> None:
    settings = SimulationSettings()
    assert settings.of_spectrum("flat") == settings
    assert settings.of_spectrum("flat_other_map").dead_map_seed == 778
    with pytest.raises(ValueError, match="known: flat"):
        settings.of_spectrum("falling")


def test_seed_is_the_centre() -> None:
    found = SAMPLE["e_reco"] > 0
    centre = SAMPLE.matrix[found][:, 2, 2]
    inner = SAMPLE.matrix[found][:, 1:4, 1:4].max(axis=(1, 2))
    # the largest of the 3 x 3 about the impact; a photon two crystals away can be larger
    assert np.mean(centre == inner) > 0.95
    assert (centre >= load_constants().lost["seed_min"]).all()


def test_no_candidate_has_a_fault() -> None:
    assert not [reason for reason, _, _, _, bad in faults(SAMPLE) if bad.any()]


def test_position_is_reconstructed_not_copied() -> None:
    chosen = of("EB photon") & (SAMPLE["gen_pt"] > 20)
    difference = (SAMPLE["eta"] - SAMPLE["gen_eta"])[chosen] / 0.01745
    assert 0.02 < np.std(difference) < 0.4


def test_converted_photons_are_wider_in_phi_and_have_no_track() -> None:
    settings = SimulationSettings(conversions=True, electron_share=0.0, pt_max_gev=20.0)
    converting = next(iter(simulate_candidates(8000, 3, settings)))
    plain = next(iter(simulate_candidates(8000, 3, settings.model_copy(update={"conversions": False}))))
    np.testing.assert_array_equal(converting["gen_pt"], plain["gen_pt"])
    assert np.isnan(converting["trkpt"]).all() and (converting["is_electron"] == 0).all()

    def widths(found: Candidates) -> tuple[float, float]:
        seen = (found["is_EB"] > 0) & (found["e_reco"] > 0)
        moments = moments_of(found.matrix[seen])
        return moments.phi_phi.mean(), moments.eta_eta.mean()

    (phi, eta), (plain_phi, plain_eta) = widths(converting), widths(plain)
    assert phi > 1.1 * plain_phi and eta < 1.05 * plain_eta
