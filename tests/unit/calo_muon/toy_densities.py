"""Made-up predictions, and energies with a number whose information about them is known."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from hitforge.predictions import Predictions
from hitforge.studies.calo_muon.evaluation.conditional import flat_spectrum
from hitforge.studies.calo_muon.evaluation.density import bin_of
from hitforge.studies.calo_muon.settings import DensitySettings

GRID = DensitySettings()
FLAT = flat_spectrum(GRID)
CDF = np.vectorize(NormalDist().cdf)
INVERSE = np.vectorize(NormalDist().inv_cdf)


def outputs(energy: np.ndarray, number: np.ndarray, density: np.ndarray | None = None) -> Predictions:
    """Return predictions of one member, in order, with buckets in both halves."""
    n = len(energy)
    ensemble = {"energy": number.astype(np.float32)}
    if density is not None:
        ensemble["density"] = density.astype(np.float32)
    return Predictions(
        part=np.array(["p"] * n, dtype=object),
        entry=np.arange(n),
        bucket=(np.arange(n) * 1801 % 3600).astype(np.int16),
        target=energy.astype(np.float32),
        truth={},
        members={name: values[:, None] for name, values in ensemble.items()},
        ensemble=ensemble,
    )


class Copula:
    """Energies that are flat on the grid, and a number correlated with them as two Gaussians are."""

    def __init__(self, bits: float) -> None:
        self.rho = np.sqrt(1.0 - 2.0 ** (-2.0 * bits))

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        z = rng.normal(size=n)
        energy = GRID.low_gev + (GRID.high_gev - GRID.low_gev) * CDF(z)
        return energy, self.rho * z + np.sqrt(1.0 - self.rho**2) * rng.normal(size=n)

    def bits(self, energy: np.ndarray, number: np.ndarray) -> np.ndarray:
        """Return what is known of each muon's bin: the best that a density on the grid can say."""
        edges = (GRID.edges_gev() - GRID.low_gev) / (GRID.high_gev - GRID.low_gev)
        z = INVERSE(np.clip(edges, 1e-12, 1.0 - 1e-12))
        index, width = bin_of(energy, GRID), np.sqrt(1.0 - self.rho**2)
        low, high = ((z[index + k] - self.rho * number) / width for k in (0, 1))
        return np.log2((CDF(high) - CDF(low)) / FLAT[index])
