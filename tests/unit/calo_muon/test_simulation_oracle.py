"""The limit: likelihood of lists of losses and of tracks against slow formulas, and its calibration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.settings import SimulationSettings
from hitforge.studies.calo_muon.simulation.generate import block_of, field_of, simulate_muons, tables_of
from hitforge.studies.calo_muon.simulation.material import PBWO4
from hitforge.studies.calo_muon.simulation.muon_tables import macroscopic
from hitforge.studies.calo_muon.simulation.oracle import (
    limit_bits,
    log_likelihood,
    prior_points,
    track_log_likelihood,
)
from hitforge.studies.calo_muon.simulation.transport import (
    TRACK_ERROR,
    History,
    knock_on_shape,
    muon_loss,
    new_history,
    transport_events,
)
from hitforge.studies.calo_muon.simulation.tuning import ShowerTuning

GEOMETRY = load_geometry("pbwo4_40.64mm")
TUNING = ShowerTuning()
TABLES = tables_of("G4_PbWO4", TUNING)
FIELD = field_of(GEOMETRY, TABLES.showers.radiation_length, TUNING)
FLAT = SimulationSettings()


def histories(energy_gev: np.ndarray, seed: int) -> History:
    """Muons whose products stop where they are made: no showers, so thousands a second."""
    n = len(energy_gev)
    cuts = TUNING._replace(photon_cut=1e12, stop_energy=1e12)
    parts = []
    for first in range(0, n, 100):
        events = np.arange(first, min(first + 100, n))
        zeros = np.zeros(len(events))
        part = new_history(len(events), GEOMETRY.n_z)
        transport_events(
            np.uint64(seed), events, np.zeros((len(events), GEOMETRY.n_cells)), zeros.copy(), part,
            block_of(GEOMETRY), -FIELD.gap, energy_gev[events] * 1e3, zeros, zeros, np.where(events % 2, 1.0, -1.0),
            muon_loss(PBWO4, TUNING.muon_threshold), TABLES.muon, TABLES.showers, cuts,
        )  # fmt: skip
        parts.append(part)
    return History(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@pytest.fixture(scope="module")
def flat() -> tuple[np.ndarray, History]:
    energy = np.random.default_rng(3).uniform(FLAT.e_min_gev, FLAT.e_max_gev, 1500)
    return energy * 1e3, histories(energy, 5)


def slow_log_likelihood(energy: float, records: np.ndarray, path: float) -> float:
    """The formula of the module, with the cross sections themselves."""
    total, before = 0.0, 0.0
    knock_on = muon_loss(PBWO4, TUNING.muon_threshold).knock_on
    ends = [*records[:, 2], path]
    lost = [*records[:, 3], records[-1, 3] + records[-1, 1]]
    for depth, e in zip(ends, energy - np.array(lost), strict=True):
        rate = sum(
            np.interp(np.log(e), TABLES.muon.ln_energy, r) for r in (TABLES.muon.brems_rate, TABLES.muon.pair_rate)
        )
        t = np.geomspace(TUNING.muon_threshold, e, 4000)
        rate += knock_on * np.trapezoid([knock_on_shape(e, float(v)) / v**2 for v in t], t)
        total -= (depth - before) * rate
        before = depth
    for process, transfer, _, lost_before in records:
        e = energy - lost_before
        if process == 2:
            density = knock_on * knock_on_shape(e, transfer) / transfer**2
        else:
            density = macroscopic(("brems", "pair")[int(process)], e, np.array([transfer]), PBWO4)[0]
        total += np.log(density)
    return float(total)


def test_list_against_the_cross_sections() -> None:
    """Ratios of likelihoods of one list at several energies, a catastrophic loss included."""
    records = np.array(
        [
            (0, 3.7, 5.0, 50.0), (1, 2.6, 9.0, 95.0), (1, 48.0, 60.0, 700.0), (2, 31.0, 61.0, 760.0),
            (0, 9.4e4, 100.0, 1200.0), (1, 3.1e3, 130.0, 9.6e4), (2, 1.7, 150.0, 1e5), (0, 2.6e5, 170.0, 1.01e5),
        ]
    )  # fmt: skip
    energies = 1e3 * np.array([372.0, 500.0, 1100.0, 3000.0, 8000.0])
    slow = np.array([slow_log_likelihood(e, records, 203.2) for e in energies])
    fast = np.array([log_likelihood(e, records, len(records), 203.2, TABLES.oracle) for e in energies])
    np.testing.assert_allclose(fast - fast[-1], slow - slow[-1], atol=0.03)
    assert np.ptp(slow) > 1  # the energies do differ
    assert log_likelihood(3.6e5, records, len(records), 203.2, TABLES.oracle) == -np.inf  # lost more than it had


def test_track_against_the_covariance_matrix() -> None:
    """Positions are jointly Gaussian: mean from the bend, covariance from scattering and measurement."""
    records = np.zeros((1, 4))
    layers, pitch, gap = 6, FIELD.pitch, FIELD.gap
    track = np.random.default_rng(1).normal(0, 0.15, (layers, 2))
    z = (np.arange(layers) + 0.5) * pitch
    low, high = np.minimum.outer(z, z), np.maximum.outer(z, z)
    expected, got = [], []
    for energy in (2e3, 2e4, 5e5):
        covariance = FIELD.scattering / energy**2 * low**2 * (3 * high - low) / 6 + TRACK_ERROR**2 * np.eye(layers)
        bend = 0.5 * FIELD.curvature / energy * (z + gap) ** 2

        def log_normal(residual: np.ndarray, covariance: np.ndarray = covariance) -> float:
            return -0.5 * (residual @ np.linalg.solve(covariance, residual) + np.linalg.slogdet(covariance)[1])

        x = [np.exp(log_normal(track[:, 0] - 0.3 - sign * bend)) for sign in (-1, 1)]
        expected.append(np.log(np.mean(x)) + log_normal(track[:, 1] + 0.1))
        got.append(track_log_likelihood(energy, 0.3, -0.1, track, records, 0, FIELD))
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_likelihood_is_largest_near_the_truth() -> None:
    truth = 1e6
    many = histories(np.full(400, truth / 1e3), 9)
    energies = truth * np.array([0.25, 0.5, 1.0, 2.0, 4.0])
    mean = [
        np.mean([log_likelihood(e, r, n, p, TABLES.oracle) for r, n, p, _ in zip(*many, strict=True)])
        for e in energies[1:]  # a quarter cannot always have lost as much
    ]
    assert int(np.argmax(mean)) == 1


def test_posterior_is_calibrated(flat: tuple[np.ndarray, History]) -> None:
    """The true energy's place in its own posterior is uniform, for losses alone and with the track."""
    energy, history = flat
    points, weights = prior_points(FLAT, "flat", 120)
    places: list[list[float]] = [[], []]
    for e, records, n, path, track in zip(energy[:700], *history, strict=False):
        losses = np.array([log_likelihood(p, records, n, path, TABLES.oracle) for p in points])
        tracks = np.array([track_log_likelihood(p, 0.0, 0.0, track, records, n, FIELD) for p in points])
        for place, logs in zip(places, (losses, losses + tracks), strict=True):
            posterior = weights * np.exp(logs - logs.max())
            cumulative = (np.cumsum(posterior) - posterior / 2) / posterior.sum()
            place.append(float(np.interp(e, points, cumulative)))
    for place in places:
        assert kstest(place, "uniform").pvalue > 1e-3


def test_bits(flat: tuple[np.ndarray, History]) -> None:
    energy, history = flat
    zeros = np.zeros(len(energy))
    coarse, fine = (
        limit_bits(history, energy, zeros, zeros, TABLES.oracle, FIELD, prior_points(FLAT, "flat", n))
        for n in (40, 400)
    )
    for few, many in zip(coarse, fine, strict=True):
        assert np.mean(few) == pytest.approx(np.mean(many), abs=0.003)
    losses, track = (np.mean(bits) for bits in fine)
    assert 0.6 < losses < 0.9
    assert losses + 0.2 < track < 1.4
    # a muon is one of 11 discrete energies: never more than log2(11) bits, and the mean is an information
    few = np.array(FLAT.discrete_energies_gev)[np.arange(550) % 11]
    prior = prior_points(FLAT, "discrete")
    bits, _ = limit_bits(histories(few, 2), few * 1e3, zeros[:550], zeros[:550], TABLES.oracle, FIELD, prior)
    assert bits.max() <= np.log2(11) + 1e-6
    assert 0.2 < bits.mean() < 1.2


def test_smaller_losses_only_lower_the_energy(flat: tuple[np.ndarray, History]) -> None:
    """Above a threshold: the likelihood of the list that has only those, with the energy lost to all."""
    energy, history = flat
    tables = tables_of("G4_PbWO4", TUNING._replace(muon_threshold=100.0)).oracle
    records, n, path = history.records[0], int(history.number[0]), history.path[0]
    large = records[:n][records[:n, 1] > 100.0]
    assert 0 < len(large) < n
    whole = log_likelihood(energy[0], records, n, path, tables)
    cut = log_likelihood(energy[0], large, len(large), path, tables)
    assert whole == pytest.approx(cut, abs=0.02)  # only the rate between losses sees the difference


def test_simulated_muons_carry_the_limits() -> None:
    muons = simulate_muons(60, 1, GEOMETRY, SimulationSettings(e_max_gev=100.0), "flat")
    assert muons.limit_bits.dtype == muons.limit_bits_track.dtype == np.float32
    assert np.isfinite(muons.limit_bits).all() and np.isfinite(muons.limit_bits_track).all()
    assert 0 < muons.limit_bits_track.mean() < 2  # between 50 and 100 GeV little can be told from losses
