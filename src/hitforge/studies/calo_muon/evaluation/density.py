"""Densities of the true energy: what a model says of each muon, on the grid of the settings.

A model either learns a density (prediction column ``density``), which is calibrated by one exponent, or gives one
number, whose conditional density is fitted (:mod:`conditional`). Both are fitted on held-out muons: on all of them
for other samples, and on each half for the muons of the other half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from hitforge.folds import N_BUCKETS
from hitforge.predictions import Predictions
from hitforge.studies.calo_muon.evaluation.conditional import FLAT_PARTS, Surface, fit_surface, flat_spectrum
from hitforge.studies.calo_muon.settings import DensitySettings

Floats = NDArray[np.float64]

FEWEST_MUONS = 50
COLUMN = "density"
EXPONENTS = (0.1, 10.0)
# below it a bin of a learnt density counts as this: a float32 softmax can be exactly zero
SMALLEST = 1e-12


@dataclass(frozen=True)
class EnergyDensity:
    """Densities of N muons.

    Attributes
    ----------
    grid : DensitySettings
        Its bins; within a bin the density is constant.
    probability : ndarray, shape (N, bins), float32
        Of each bin, for energies that are flat beforehand; none is zero.
    """

    grid: DensitySettings
    probability: NDArray[np.float32]

    def ratio(self) -> Floats:
        """Return the density relative to the flat spectrum, shape (N, bins): the likelihood up to a factor."""
        return np.asarray(self.probability / flat_spectrum(self.grid), dtype=np.float64)

    def bits(self, true_gev: Floats) -> Floats:
        """Return log2 of the ratio at the true energies, shape (N,); NaN outside the grid."""
        index = bin_of(true_gev, self.grid)
        ratio = self.ratio()[np.arange(len(index)), index]
        return np.where(index >= 0, np.log2(ratio), np.nan)

    def bits_among(self, true_gev: Floats, points_gev: Floats) -> Floats:
        """Return the same for energies that are known to be one of some points, each as likely as the others."""
        points = bin_of(points_gev, self.grid)
        ratio, index = self.ratio(), bin_of(true_gev, self.grid)
        mean = ratio[:, points[points >= 0]].mean(axis=1) if np.any(points >= 0) else np.full(len(index), np.nan)
        return np.where(index >= 0, np.log2(ratio[np.arange(len(index)), index] / mean), np.nan)

    def below(self, true_gev: Floats) -> Floats:
        """Return the probability below the true energy, shape (N,), linear in E inside a bin; NaN outside the grid."""
        index = bin_of(true_gev, self.grid)
        edges, rows = self.grid.edges_gev(), np.arange(len(index))
        own = self.probability[rows, index].astype(np.float64)
        upto = np.cumsum(self.probability, axis=1, dtype=np.float64)
        part = (true_gev - edges[index]) / (edges[index + 1] - edges[index])
        return np.where(index >= 0, (upto[rows, index] - (1.0 - part) * own) / upto[:, -1], np.nan)

    def quantiles(self, *parts: float) -> Floats:
        """Return the energies below which these parts of each density are, shape (N, len(parts)), GeV."""
        edges, rows = self.grid.edges_gev(), np.arange(len(self.probability))
        upto = np.cumsum(self.probability, axis=1, dtype=np.float64)
        found = np.empty((len(rows), len(parts)))
        for column, part in enumerate(parts):
            wanted = part * upto[:, -1]
            index = np.argmax(upto >= wanted[:, None], axis=1)
            own = self.probability[rows, index].astype(np.float64)
            inside = 1.0 - (upto[rows, index] - wanted) / own
            found[:, column] = edges[index] + inside * (edges[index + 1] - edges[index])
        return found


def bin_of(energy_gev: NDArray[np.floating], grid: DensitySettings) -> NDArray[np.int64]:
    """Return the bin of each energy, shape (n,), or -1 outside the grid; the last bin is closed."""
    edges, energy = grid.edges_gev(), np.asarray(energy_gev, dtype=np.float64)
    index = np.minimum(np.searchsorted(edges, energy, side="right") - 1, grid.bins - 1)
    return np.where((energy >= edges[0]) & (energy <= edges[-1]), index, -1)


class FittedDensity(BaseModel):
    """Density of the energy given what a model says, fitted on n muons; `ok: false` says why there is none.

    ``kind: conditional`` has the fields of :class:`conditional.Surface`; ``kind: learnt`` raises the model's own
    density to the power ``exponent`` and normalises it again. Both have a ``flat`` part.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["conditional", "learnt"]
    ok: bool
    n: int
    reason: str | None = None
    flat: float | None = None
    exponent: float | None = None
    strengths: tuple[float, float] | None = None
    upper: list[float] = []
    coefficients: list[list[float]] = []

    def probability(self, outputs: Predictions, grid: DensitySettings) -> NDArray[np.float32]:
        """Return the densities of muons, shape (n, bins)."""
        if not self.ok:
            raise ValueError(f"this density cannot be used: {self.reason}")
        assert self.flat is not None
        if self.kind == "learnt":
            assert self.exponent is not None
            found = mixed(raised(learnt(outputs, grid), self.exponent), self.flat, grid)
            return found.astype(np.float32)
        assert self.strengths is not None
        surface = Surface(np.array(self.upper), np.array(self.coefficients), self.flat, self.strengths)
        return surface.table(grid).astype(np.float32)[surface.row(outputs.ensemble["energy"])]


class DensityCalibration(BaseModel):
    """The densities of a fit of a model, from its held-out muons.

    Attributes
    ----------
    grid : DensitySettings
        Grid of the densities.
    all : FittedDensity
        From all held-out muons, for other samples.
    halves : tuple of two FittedDensity
        Each from one half of them (`half_of`), for the other half.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    grid: DensitySettings
    all: FittedDensity
    halves: tuple[FittedDensity, FittedDensity]

    def densities(self, outputs: Predictions, calibrated_on: bool) -> tuple[NDArray[np.float32] | None, str | None]:
        """Return the densities of muons, shape (n, bins), or the reason why there are none.

        ``calibrated_on`` says that the calibration was fitted on these very muons.
        """
        half = half_of(outputs) if calibrated_on else np.full(len(outputs), -1)
        result = np.zeros((len(outputs), self.grid.bins), dtype=np.float32)
        for which, fitted in ((-1, self.all), (0, self.halves[1]), (1, self.halves[0])):
            own = half == which
            if own.any():
                if not fitted.ok:
                    return None, fitted.reason
                result[own] = fitted.probability(outputs.select(own), self.grid)
        return result, None


def half_of(outputs: Predictions) -> NDArray[np.int64]:
    """Return 0 or 1 for each event, by its identity bucket: every fold has muons in both halves."""
    return np.asarray(outputs.bucket // (N_BUCKETS // 2), dtype=np.int64)


def fit_densities(outputs: Predictions, grid: DensitySettings) -> DensityCalibration:
    """Fit the densities of a model on its held-out muons."""
    half = half_of(outputs)
    kind: Literal["conditional", "learnt"] = "learnt" if COLUMN in outputs.ensemble else "conditional"

    def fitted(chosen: NDArray[np.bool_], which: str) -> FittedDensity:
        own = outputs.select(chosen & (bin_of(outputs.target, grid) >= 0))
        if len(own) < FEWEST_MUONS:
            reason = (
                f"{len(own)} held-out muons between {grid.low_gev:g} and {grid.high_gev:g} GeV{which} are too few to "
                f"fit the density of the energy, which needs {FEWEST_MUONS}"
            )
            return FittedDensity(kind=kind, ok=False, n=len(own), reason=reason)
        if kind == "learnt":
            return _calibrate_learnt(own, grid)
        surface = fit_surface(own.ensemble["energy"], bin_of(own.target, grid), grid)
        return FittedDensity(
            kind=kind,
            ok=True,
            n=len(own),
            flat=surface.flat,
            strengths=surface.strengths,
            upper=surface.upper.tolist(),
            coefficients=surface.coefficients.tolist(),
        )

    halves = (fitted(half == 0, " in one half"), fitted(half == 1, " in one half"))
    return DensityCalibration(grid=grid, all=fitted(half >= 0, ""), halves=halves)


def learnt(outputs: Predictions, grid: DensitySettings) -> NDArray[np.float32]:
    """Return the density that a model learnt, shape (n, bins), checked against the grid."""
    values = outputs.ensemble[COLUMN]
    if values.shape[1:] != (grid.bins,):
        raise ValueError(
            f"predictions: column ensemble/{COLUMN} has {values.shape[1:]} bins, density.bins of the settings is "
            f"{grid.bins}; train and predict again, or set density.bins back"
        )
    return values


def raised(probability: NDArray[np.floating], exponent: float) -> Floats:
    """Return densities raised to a power and normalised, shape (n, bins)."""
    powers = np.maximum(probability.astype(np.float64), SMALLEST) ** exponent
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def mixed(probability: Floats, part: float, grid: DensitySettings) -> Floats:
    """Return densities with a flat part."""
    return (1.0 - part) * probability + part * flat_spectrum(grid)


def _calibrate_learnt(outputs: Predictions, grid: DensitySettings) -> FittedDensity:
    """Choose the exponent, then the flat part, by likelihood."""
    values, index = learnt(outputs, grid), bin_of(outputs.target, grid)
    rows = np.arange(len(index))

    def likelihood(probability: Floats, part: float) -> float:
        return float(np.log(mixed(probability, part, grid)[rows, index]).sum())

    exponent = float(
        np.exp(_highest(lambda x: likelihood(raised(values, float(np.exp(x))), FLAT_PARTS[0]), *np.log(EXPONENTS)))
    )
    calibrated = raised(values, exponent)
    flat = max(FLAT_PARTS, key=lambda part: likelihood(calibrated, part))
    return FittedDensity(kind="learnt", ok=True, n=len(outputs), flat=flat, exponent=exponent)


def _highest(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function with one maximum has it, by golden section to a thousandth."""
    golden = 0.5 * (5.0**0.5 - 1.0)
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > 1e-3:
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = function(right)
    return 0.5 * (low + high)
