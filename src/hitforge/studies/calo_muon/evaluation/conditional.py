"""Density of the true energy given one number of a muon, for example the prediction of a model.

The logarithm of the density relative to a flat spectrum is a smooth surface: cubic B-splines in the normal score of
the number's rank and in sqrt(E), with penalised differences (P. H. C. Eilers and B. D. Marx, Statist. Sci. 11 (1996)
89; here for a conditional density, so that every rank's density is normalised by itself). Only ranks enter: a
monotone function of the number gives the same density. Cross-validated likelihood chooses the strengths of the
penalties and a small flat part, without which one muon in an empty corner could cost any number of bits.

The penalties leave free what is linear in the normal score and quadratic in sqrt(E): a Gaussian whose mean moves with
the number. So few muons give a crude density and not a wild one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from hitforge.compiled import compiled
from hitforge.studies.calo_muon.settings import DensitySettings

Floats = NDArray[np.float64]

LARGEST_SCORE = 3.1
ROWS = 64
SCORE_SEGMENTS = 8
ENERGY_SEGMENTS = 12
FOLDS = 5
STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
FLAT_PARTS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)
# what depends on the number alone drops out of a conditional density: without this the equations are singular
RIDGE = 1e-4


@dataclass(frozen=True)
class Surface:
    """A fitted density: one row of probabilities for each interval of the number.

    Attributes
    ----------
    upper : ndarray, shape (ROWS - 1,)
        Edges between the rows, values of the number among the fitted muons.
    coefficients : ndarray, shape (SCORE_SEGMENTS + 3, ENERGY_SEGMENTS + 3)
        Of the products of splines.
    flat : float
        Fraction of a flat spectrum in the density.
    strengths : tuple of two floats
        Of the penalties, along the score and along the energy.
    """

    upper: Floats
    coefficients: Floats
    flat: float
    strengths: tuple[float, float]

    def table(self, grid: DensitySettings) -> Floats:
        """Return the probabilities of the bins of the grid, shape (ROWS, bins), each row of sum 1."""
        flat = flat_spectrum(grid)
        return (1.0 - self.flat) * _probabilities(self.coefficients, *_bases(grid.bins), flat) + self.flat * flat

    def row(self, number: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the row of each number, shape (n,)."""
        return np.searchsorted(self.upper, np.asarray(number, dtype=np.float64), side="right")


def flat_spectrum(grid: DensitySettings) -> Floats:
    """Return the probabilities of the grid's bins, shape (bins,), for energies that are flat between its ends."""
    widths = np.diff(grid.edges_gev())
    return np.asarray(widths / widths.sum(), dtype=np.float64)


def fit_surface(number: NDArray[np.floating], energy_bin: NDArray[np.integer], grid: DensitySettings) -> Surface:
    """Fit the density of the energy given a number.

    Parameters
    ----------
    number : ndarray, shape (n,)
        Finite; its order counts.
    energy_bin : ndarray, shape (n,)
        Bin of the true energy on the grid, 0 to bins - 1.
    grid : DensitySettings
        Energies.

    Returns
    -------
    Surface
    """
    values = np.asarray(number, dtype=np.float64)
    scores = np.linspace(-LARGEST_SCORE, LARGEST_SCORE, ROWS - 1)
    ranks = np.array([NormalDist().cdf(score) for score in scores]) * len(values)
    upper = np.sort(values)[np.clip(np.rint(ranks).astype(np.int64), 0, len(values) - 1)]
    row = np.searchsorted(upper, values, side="right")
    fold = np.arange(len(values)) % FOLDS
    cell = (fold * ROWS + row) * grid.bins + energy_bin
    counts = np.bincount(cell, minlength=FOLDS * ROWS * grid.bins).reshape(FOLDS, ROWS, grid.bins).astype(np.float64)
    strengths, tables = _choose_strengths(counts, grid)
    flat = max(FLAT_PARTS, key=lambda part: _likelihood(counts, tables, part, grid))
    return Surface(upper, _fit(counts.sum(axis=0), strengths, grid), flat, strengths)


def _choose_strengths(counts: Floats, grid: DensitySettings) -> tuple[tuple[float, float], Floats]:
    """Return the strengths of the largest cross-validated likelihood, and the densities that gave it.

    A walk on the lattice of strengths to the best neighbour, from its middle.
    """
    others = counts.sum(axis=0) - counts
    flat = flat_spectrum(grid)
    bases = _bases(grid.bins)
    seen: dict[tuple[int, int], tuple[float, Floats]] = {}
    here = (len(STRENGTHS) // 2, len(STRENGTHS) // 2)
    start: list[Floats | None] = [None] * FOLDS
    while True:
        for place in _around(here):
            if place not in seen:
                chosen = (STRENGTHS[place[0]], STRENGTHS[place[1]])
                fitted = [_fit(others[k], chosen, grid, start[k]) for k in range(FOLDS)]
                start = list(fitted)
                tables = np.stack([_probabilities(coefficients, *bases, flat) for coefficients in fitted])
                seen[place] = (_likelihood(counts, tables, FLAT_PARTS[0], grid), tables)
        best = max(_around(here), key=lambda place: seen[place][0])
        if best == here:
            return (STRENGTHS[here[0]], STRENGTHS[here[1]]), seen[here][1]
        here = best


def _around(place: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield a place of the lattice and its neighbours along both axes."""
    for step, along in ((0, 0), *product((-1, 1), (0, 1))):
        moved = (place[0] + step * (along == 0), place[1] + step * (along == 1))
        if all(0 <= index < len(STRENGTHS) for index in moved):
            yield moved


def _likelihood(counts: Floats, tables: Floats, part: float, grid: DensitySettings) -> float:
    mixed = (1.0 - part) * tables + part * flat_spectrum(grid)
    return float((counts * np.log(mixed)).sum())


def _fit(counts: Floats, strengths: tuple[float, float], grid: DensitySettings, start: Floats | None = None) -> Floats:
    """Return the coefficients of the largest penalised likelihood for counts, shape (ROWS, bins), by Newton's method.

    The problem is convex; a step that does not raise the likelihood is halved.
    """
    scores, energies = _bases(grid.bins)
    flat = flat_spectrum(grid)
    penalty = _penalty(strengths)
    squares_of_scores = np.einsum("ra,rb->rab", scores, scores).reshape(ROWS, -1)
    squares_of_energies = np.einsum("ja,jb->jab", energies, energies).reshape(grid.bins, -1)
    in_row = counts.sum(axis=1)
    n_scores, n_energies = scores.shape[1], energies.shape[1]
    size = n_scores * n_energies

    def loss(at: Floats, table: Floats) -> float:
        fit = np.where(counts > 0, counts * np.log(np.maximum(table, 1e-300)), 0.0).sum()
        return float(0.5 * (at * np.einsum("ij,j->i", penalty, at)).sum() - fit)

    x = np.zeros(size) if start is None else start.ravel()
    table = _probabilities(x.reshape(n_scores, n_energies), scores, energies, flat)
    now = loss(x, table)
    for _ in range(50):
        excess = in_row[:, None] * table - counts
        gradient = np.einsum("ra,rb->ab", scores, np.einsum("rj,jb->rb", excess, energies)).ravel()
        gradient += np.einsum("ij,j->i", penalty, x)
        mean = np.einsum("rj,jb->rb", table, energies)
        spread = np.einsum("rj,jp->rp", table, squares_of_energies)
        spread -= np.einsum("ra,rb->rab", mean, mean).reshape(ROWS, -1)
        hessian = np.einsum("rp,rq->pq", squares_of_scores, in_row[:, None] * spread)
        hessian = hessian.reshape(n_scores, n_scores, n_energies, n_energies).transpose(0, 2, 1, 3)
        step = _solve(hessian.reshape(size, size) + penalty, gradient)
        factor = 1.0
        while True:
            trial = x - factor * step
            table_there = _probabilities(trial.reshape(n_scores, n_energies), scores, energies, flat)
            there = loss(trial, table_there)
            if there <= now or factor < 1e-3:
                break
            factor *= 0.5
        gain, x, table, now = now - there, trial, table_there, there
        if gain < 1e-4:
            break
    return x.reshape(n_scores, n_energies)


def _probabilities(coefficients: Floats, scores: Floats, energies: Floats, flat: Floats) -> Floats:
    """Return the density of each row, shape (ROWS, bins)."""
    surface = np.einsum("rb,jb->rj", np.einsum("ra,ab->rb", scores, coefficients), energies)
    weight = flat * np.exp(surface - surface.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float64)


@cache
def _bases(bins: int) -> tuple[Floats, Floats]:
    """Return the splines at the rows, shape (ROWS, SCORE_SEGMENTS + 3), and at the bins of sqrt(E)."""
    step = 2.0 * LARGEST_SCORE / (ROWS - 2)
    rows = LARGEST_SCORE + 0.5 * step
    scores = np.linspace(-rows, rows, ROWS)
    return (
        _splines((scores + rows) / (2.0 * rows), SCORE_SEGMENTS),
        _splines((np.arange(bins) + 0.5) / bins, ENERGY_SEGMENTS),
    )


def _splines(position: Floats, segments: int) -> Floats:
    """Return the cubic B-splines with equal knots at positions between 0 and 1, shape (n, segments + 3)."""
    distance = np.abs(position[:, None] * segments - (np.arange(segments + 3) - 1.0))
    inner = 2.0 / 3.0 - distance**2 + 0.5 * distance**3
    outer = np.maximum(2.0 - distance, 0.0) ** 3 / 6.0
    return np.where(distance < 1.0, inner, outer)


def _penalty(strengths: tuple[float, float]) -> Floats:
    """Return the quadratic form of the penalties: second differences along the score, third ones along the energy."""
    forms = []
    for segments, order in ((SCORE_SEGMENTS, 2), (ENERGY_SEGMENTS, 3)):
        differences = np.diff(np.eye(segments + 3), order, axis=0)
        forms.append(np.einsum("ka,kb->ab", differences, differences))
    along_score = np.kron(forms[0], np.eye(ENERGY_SEGMENTS + 3))
    along_energy = np.kron(np.eye(SCORE_SEGMENTS + 3), forms[1])
    return strengths[0] * along_score + strengths[1] * along_energy + RIDGE * np.eye(len(along_score))


@compiled
def _solve(matrix: Floats, right: Floats) -> Floats:
    """Solve a symmetric positive definite system by Cholesky's method (LAPACK's bits depend on its threads)."""
    n = len(right)
    lower = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i == j:
                lower[i, i] = np.sqrt(max(total, 1e-12))
            else:
                lower[i, j] = total / lower[j, j]
    x = right.copy()
    for i in range(n):
        for k in range(i):
            x[i] -= lower[i, k] * x[k]
        x[i] /= lower[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            x[i] -= lower[k, i] * x[k]
        x[i] /= lower[i, i]
    return x
