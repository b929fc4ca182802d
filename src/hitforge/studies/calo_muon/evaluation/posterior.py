"""A simulated tracker beside the calorimeter, muon by muon: the median of the posterior of both.

The tracker measures E with a Gaussian error of ``tracker_per_gev`` E^2, taken at the true energy, or 1/E with a
Gaussian error of ``tracker_per_gev`` (tracks are measured in curvature: their relative error grows with E, and its
tail is upwards). The posterior is the product of the calorimeter's likelihood, interpolated linearly in sqrt(E)
between the bins of its density, of the tracker's likelihood, whose width is that of the energy that is tried, and of a
flat spectrum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitforge.compiled import compiled
from hitforge.studies.calo_muon.settings import DensitySettings, EvaluationSettings

Floats = NDArray[np.float64]

# of the energies that are tried: parts of the tracker's error and of a bin of the density
PER_ERROR = 8.0
PER_BIN = 8.0


def measure(true_gev: Floats, noise: Floats, settings: EvaluationSettings) -> Floats:
    """Return what the tracker says, shape (N,): GeV, or 1/GeV in curvature; ``noise`` is standard normal."""
    if settings.tracker == "curvature":
        return 1.0 / true_gev + settings.tracker_per_gev * noise
    return true_gev + settings.tracker_per_gev * true_gev**2 * noise


def combined_energy(
    ratio: Floats | None, measured: Floats, grid: DensitySettings, settings: EvaluationSettings
) -> Floats:
    """Return the median of each muon's posterior, shape (N,), GeV.

    Parameters
    ----------
    ratio : ndarray, shape (N, bins), or None
        Likelihood of the calorimeter at the bins of the grid, up to a factor; None is the tracker alone.
    measured : ndarray, shape (N,)
        From `measure`.
    grid : DensitySettings
        Bins of ``ratio`` and range of the flat spectrum.
    settings : EvaluationSettings
        The tracker.
    """
    energies = tried_energies(grid, settings.tracker_per_gev)
    root, edges = np.sqrt(energies), np.sqrt(grid.edges_gev())
    position = np.clip((root - edges[0]) / (edges[1] - edges[0]) - 0.5, 0.0, grid.bins - 1.0)
    left = np.minimum(position.astype(np.int64), grid.bins - 2)
    curvature = settings.tracker == "curvature"
    centre = 1.0 / energies if curvature else energies
    error = settings.tracker_per_gev * (np.ones_like(energies) if curvature else energies**2)
    likelihood = np.ones((1, grid.bins)) if ratio is None else ratio
    row = np.zeros(len(measured), dtype=np.int64) if ratio is None else np.arange(len(measured))
    return _medians(likelihood, row, measured, energies, left, position - left, centre, error)


def tried_energies(grid: DensitySettings, tracker_per_gev: float) -> Floats:
    """Return the energies at which posteriors are computed, shape (m,), GeV: dense where the tracker is sharp."""
    edges, energies = grid.edges_gev(), [grid.low_gev]
    widths = np.diff(edges)
    while energies[-1] < grid.high_gev:
        energy = energies[-1]
        bin_width = float(widths[np.searchsorted(edges, energy, side="right") - 1])
        energies.append(energy + min(tracker_per_gev * energy**2 / PER_ERROR, bin_width / PER_BIN))
    energies[-1] = grid.high_gev
    return np.array(energies)


@compiled
def _medians(
    ratio: Floats,
    row: NDArray[np.int64],
    measured: Floats,
    energies: Floats,
    left: NDArray[np.int64],
    fraction: Floats,
    centre: Floats,
    error: Floats,
) -> Floats:
    n = len(energies)
    result = np.empty(len(row))
    exponent, upto = np.empty(n), np.empty(n)
    for i in range(len(row)):
        largest = -np.inf
        for k in range(n):
            exponent[k] = -0.5 * ((measured[i] - centre[k]) / error[k]) ** 2
            largest = max(largest, exponent[k])
        before, total = 0.0, 0.0
        for k in range(n):
            low, high = ratio[row[i], left[k]], ratio[row[i], left[k] + 1]
            density = (low + fraction[k] * (high - low)) * np.exp(exponent[k] - largest) / error[k]
            if k > 0:
                total += 0.5 * (before + density) * (energies[k] - energies[k - 1])
            upto[k] = total
            before = density
        k = 1
        while upto[k] < 0.5 * total:
            k += 1
        part = (0.5 * total - upto[k - 1]) / (upto[k] - upto[k - 1])
        result[i] = energies[k - 1] + part * (energies[k] - energies[k - 1])
    return result
