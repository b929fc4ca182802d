"""The double-sided Crystal Ball: a Gaussian core with a power law on either side (the CMS regression's shape)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import erf

Floats = NDArray[np.float64]

PARAMETERS = ("mu", "sigma", "alpha_low", "n_low", "alpha_high", "n_high")
FIT_RANGE = (0.6, 1.4)
BINS_PER_WIDTH = 50
"""Bins so fine that their likelihood is that of the candidates; a fit costs the same for any number of them."""

# in units of half the central 68 % about the median
_START = np.array([0.0, 1.0, 1.2, 3.0, 1.8, 5.0])
_BOUNDS = ((-5.0, 5.0), (0.05, 5.0), (0.1, 6.0), (1.01, 100.0), (0.1, 6.0), (1.01, 100.0))


def log_density(x: Floats, mu: float, sigma: float, a_low: float, n_low: float, a_high: float, n_high: float) -> Floats:
    """Return the logarithm of the density, normalised over all x, shape (n,).

    With t = (x - mu) / sigma: exp(-t^2/2) for -a_low <= t <= a_high, beyond it the power law of n_low or n_high that
    continues value and slope. Both n must exceed 1.
    """
    t = (np.asarray(x, dtype=np.float64) - mu) / sigma
    low, high = np.maximum(-t, a_low), np.maximum(t, a_high)
    value = np.where(
        t < -a_low,
        _tail(low, a_low, n_low),
        np.where(t > a_high, _tail(high, a_high, n_high), -0.5 * np.clip(t, -a_low, a_high) ** 2),
    )
    core = np.sqrt(np.pi / 2) * (erf(a_low / np.sqrt(2)) + erf(a_high / np.sqrt(2)))
    tails = sum(n / (a * (n - 1)) * np.exp(-0.5 * a**2) for a, n in ((a_low, n_low), (a_high, n_high)))
    return np.asarray(value - np.log(sigma * (core + tails)))


def _tail(t: Floats, alpha: float, n: float) -> Floats:
    return -0.5 * alpha**2 - n * np.log1p(alpha / n * (t - alpha))


def fit(response: Floats, weights: Floats) -> dict[str, Any]:
    """Fit the response within :data:`FIT_RANGE` by maximum likelihood.

    Returns
    -------
    dict
        Each of :data:`PARAMETERS` as ``{value, error, reason}`` and ``n``; errors from the curvature of the
        likelihood. The density is normalised over all x: what lies outside the range is beyond 16 widths of the core.
    """
    inside = (response > FIT_RANGE[0]) & (response < FIT_RANGE[1])
    x, w = response[inside], weights[inside]
    if len(x) < 200:
        return _absent(len(x), "fewer than 200 candidates in the fit range")
    q16, q50, q84 = np.quantile(x, [0.16, 0.5, 0.84])
    # in units of the core, so that all parameters are near one
    unit = max((q84 - q16) / 2, 2e-4)
    z, w = _binned((x - q50) / unit, w)

    def loss(parameters: Floats) -> float:
        return float(-np.sum(w * log_density(z, *parameters)))

    found = minimize(loss, _START, method="L-BFGS-B", bounds=_BOUNDS)
    if not found.success:
        return _absent(len(x), f"the fit failed: {found.message}")
    scale = np.array([unit, unit, 1.0, 1.0, 1.0, 1.0])
    values = scale * found.x
    values[0] += q50
    numbers = {
        name: {
            "value": float(value),
            "error": None if error is None else float(error * by),
            "reason": "the likelihood is flat here" if error is None else None,
        }
        for name, value, error, by in zip(PARAMETERS, values, _errors(loss, found.x), scale, strict=True)
    }
    return {"n": len(x), **numbers}


def _binned(z: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the mean position and the weight of each bin that has one."""
    place = np.floor(z * BINS_PER_WIDTH).astype(np.int64)
    place -= place.min()
    total, moment = (np.bincount(place, values).astype(np.float64) for values in (weights, weights * z))
    filled = total > 0
    return moment[filled] / total[filled], total[filled]


def _absent(n: int, reason: str) -> dict[str, Any]:
    return {"n": n, **{name: {"value": None, "error": None, "reason": reason} for name in PARAMETERS}}


def _errors(loss: Any, best: Floats) -> list[float | None]:
    """Return the errors from the inverse of the numerical Hessian, None at a bound or without curvature."""
    step = 1e-2 * np.maximum(np.abs(best), 0.1)
    free = [i for i, (low, high) in enumerate(_BOUNDS) if low + 2 * step[i] < best[i] < high - 2 * step[i]]
    hessian = np.empty((len(free), len(free)))
    unit = np.eye(len(best)) * step
    signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
    for a, i in enumerate(free):
        for b, j in enumerate(free[: a + 1]):
            values = [s * t * loss(best + s * unit[i] + t * unit[j]) for s, t in signs]
            hessian[a, b] = hessian[b, a] = sum(values) / (4 * step[i] * step[j])
    result: list[float | None] = [None] * len(best)
    if not free or np.linalg.matrix_rank(hessian) < len(free):
        return result
    for i, variance in zip(free, np.diag(np.linalg.inv(hessian)), strict=True):
        result[i] = float(np.sqrt(variance)) if variance > 0 else None
    return result
