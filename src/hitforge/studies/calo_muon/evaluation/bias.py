"""Bias correction of an energy regression, fitted on held-out events and frozen (arXiv:2107.02119, bias correction).

The mean prediction in bins of true energy is fitted against energy, and the fitted curve is inverted. Means and not
medians, as in the published version (the first preprint used medians). The error of a mean is std / sqrt(n) with the
population standard deviation (ddof 0): the limit of the original's bootstrap of the mean, without its noise.
"""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from hitforge.studies.calo_muon.settings import EvaluationSettings

Floats = NDArray[np.float64]


class FitBin(BaseModel):
    """One point of the fit: a bin of true energy, or neighbours merged until they hold enough events."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    low_gev: float
    high_gev: float
    centre_gev: float
    n: int
    mean_gev: float
    error_gev: float


class BiasCorrection(BaseModel):
    """A fitted bias, E -> prediction, and its inverse.

    ``kind: linear`` is prediction = a E + b; ``kind: power`` is prediction = a E^p + c, continued as a straight line
    beyond the fitted range. ``ok: false`` says in ``reason`` why there is no correction; the numbers that need it
    are then null.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["linear", "power"]
    ok: bool
    reason: str | None = None
    e_min_gev: float
    e_max_gev: float
    a: float | None = None
    b: float | None = None
    p: float | None = None
    c: float | None = None
    errors: dict[str, float] = {}
    covariance: list[list[float]] = []
    chi2: float | None = None
    ndof: int | None = None
    n_bins: int = 0
    bins: list[FitBin] = []

    def correct(self, prediction: NDArray[np.floating]) -> Floats:
        """Return corrected energies, shape (n,), GeV, of predictions, shape (n,), GeV."""
        predicted = np.asarray(prediction, dtype=np.float64)
        if not self.ok:
            raise ValueError(f"this bias correction cannot be applied: {self.reason}")
        if self.kind == "linear":
            assert self.a is not None and self.b is not None
            return (predicted - self.b) / self.a
        return self._invert_power(predicted)

    def predict(self, energy_gev: NDArray[np.floating]) -> Floats:
        """Return the fitted mean prediction, shape (n,), GeV, at true energies within the fitted range."""
        energy = np.asarray(energy_gev, dtype=np.float64)
        if not self.ok:
            raise ValueError(f"this bias correction cannot be applied: {self.reason}")
        assert self.a is not None
        if self.kind == "linear":
            assert self.b is not None
            return self.a * energy + self.b
        assert self.p is not None and self.c is not None
        return np.asarray(self.a * energy**self.p + self.c, dtype=np.float64)

    def _invert_power(self, predicted: Floats) -> Floats:
        assert self.a is not None and self.p is not None and self.c is not None
        ends = np.array([self.e_min_gev, self.e_max_gev])
        at_ends = self.predict(ends)
        inside = np.clip(predicted, *at_ends)
        result = np.asarray(((inside - self.c) / self.a) ** (1.0 / self.p), dtype=np.float64)
        slope = 1.0 / (self.a * self.p * ends ** (self.p - 1.0))
        # Below the range too: the formula has no value for predictions under c.
        for end, at_end, gradient, beyond in zip(
            ends, at_ends, slope, (predicted < at_ends[0], predicted > at_ends[1]), strict=True
        ):
            result = np.where(beyond, end + gradient * (predicted - at_end), result)
        return result


def fit_bias(
    true: NDArray[np.floating], predicted: NDArray[np.floating], settings: EvaluationSettings
) -> BiasCorrection:
    """Fit the mean prediction against true energy in left-closed bins.

    Parameters
    ----------
    true, predicted : ndarray, shape (n,), GeV
        Events that no model saw in training.
    settings : EvaluationSettings
        Range and number of bins, smallest number of events in a bin, form of the correction.

    Returns
    -------
    BiasCorrection
        With ``ok: false`` and a reason where the sample does not allow the fit.
    """
    kind = settings.correction
    low, high = settings.fit_range_gev
    bins = fit_bins(true, predicted, np.linspace(low, high, settings.fit_bins + 1), settings.min_per_fit_bin)
    needed = 2 if kind == "linear" else 3

    def failed(reason: str) -> BiasCorrection:
        return BiasCorrection(
            kind=kind, ok=False, reason=reason, e_min_gev=low, e_max_gev=high, n_bins=len(bins), bins=bins
        )

    if len(bins) < needed:
        n = sum(point.n for point in bins)
        return failed(
            f"{n} events between {low:g} and {high:g} GeV fill {len(bins)} bin(s) of at least "
            f"{settings.min_per_fit_bin}; the {kind} fit needs {needed}"
        )
    flat = [point for point in bins if not point.error_gev > 0]
    if flat:
        return failed(f"all predictions are equal between {flat[0].low_gev:g} and {flat[0].high_gev:g} GeV")
    names = ("a", "b") if kind == "linear" else ("a", "p", "c")
    energy = np.array([point.centre_gev for point in bins])
    mean = np.array([point.mean_gev for point in bins])
    error = np.array([point.error_gev for point in bins])
    if kind == "linear":
        values, covariance = _fit_line(energy, mean, error)
        fitted = values[0] * energy + values[1]
    else:
        solution = _fit_power(energy, mean, error)
        if isinstance(solution, str):
            return failed(solution)
        values, covariance = solution
        fitted = values[0] * energy ** values[1] + values[2]
    if not (np.all(np.isfinite(values)) and np.all(np.isfinite(covariance))):
        return failed(f"the {kind} fit gives parameters that are not finite")
    if not values[0] * (values[1] if kind == "power" else 1.0) > 0:
        return failed("the fitted prediction does not rise with energy, so it cannot be inverted")
    parameters = dict(zip(names, map(float, values), strict=True))
    return BiasCorrection(
        kind=kind,
        ok=True,
        e_min_gev=low,
        e_max_gev=high,
        a=parameters["a"],
        b=parameters.get("b"),
        p=parameters.get("p"),
        c=parameters.get("c"),
        errors={name: float(np.sqrt(covariance[i, i])) for i, name in enumerate(names)},
        covariance=covariance.tolist(),
        chi2=float(np.sum(((mean - fitted) / error) ** 2)),
        ndof=len(bins) - len(names),
        n_bins=len(bins),
        bins=bins,
    )


def fit_bins(true: NDArray[np.floating], predicted: NDArray[np.floating], edges: Floats, minimum: int) -> list[FitBin]:
    """Return mean predictions and their errors in left-closed bins of true energy, shape (n,), GeV.

    From the left, neighbours merge until they hold ``minimum`` events; what remains at the right joins the last bin.
    A merged bin pools the events of its parts, and its centre is the mean of their centres weighted by events (equal
    to the plain centre of a bin that was not merged).
    """
    energy, prediction = np.asarray(true, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if energy.shape != prediction.shape:
        raise ValueError(f"fit_bins: {energy.shape} true and {prediction.shape} predicted energies")
    index = np.searchsorted(edges, energy, side="right") - 1
    n_bins = len(edges) - 1
    index[(energy < edges[0]) | (index >= n_bins)] = -1
    counts = np.bincount(index[index >= 0], minlength=n_bins)
    if not np.all(np.isfinite(prediction[index >= 0])):
        raise ValueError("fit_bins: predictions must be finite; the model gives NaN or infinity")
    centres = 0.5 * (edges[1:] + edges[:-1])
    points = []
    for start, stop in _merge(counts, minimum):
        chosen = prediction[(index >= start) & (index < stop)]
        n = int(counts[start:stop].sum())
        centre = centres[start] if stop == start + 1 else counts[start:stop] @ centres[start:stop] / n
        points.append(
            FitBin(
                low_gev=float(edges[start]),
                high_gev=float(edges[stop]),
                centre_gev=float(centre),
                n=n,
                mean_gev=float(chosen.mean()),
                error_gev=float(chosen.std() / np.sqrt(n)),
            )
        )
    return points


def _merge(counts: NDArray[np.integer], minimum: int) -> list[tuple[int, int]]:
    """Return (start, stop) of merged bins, each of at least ``minimum`` events; none if there are fewer in all."""
    merged: list[tuple[int, int]] = []
    start, held = 0, 0
    for i, count in enumerate(counts):
        held += int(count)
        if held >= minimum:
            merged.append((start, i + 1))
            start, held = i + 1, 0
    if merged and held:
        merged[-1] = (merged[-1][0], len(counts))
    return merged


def _fit_line(x: Floats, y: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Return slope and intercept of the weighted least-squares line, and their covariance."""
    weight = error**-2
    total = weight.sum()
    # Centred sums: the textbook determinant cancels.
    x_mean, y_mean = weight @ x / total, weight @ y / total
    spread = weight @ (x - x_mean) ** 2
    slope = weight @ ((x - x_mean) * (y - y_mean)) / spread
    covariance = np.array([[1.0, -x_mean], [-x_mean, x_mean**2 + spread / total]]) / spread
    return np.array([slope, y_mean - slope * x_mean]), covariance


def _fit_power(x: Floats, y: Floats, error: Floats) -> tuple[Floats, Floats] | str:
    """Return a, p, c of y = a x^p + c with their covariance, or the reason why the fit fails."""
    from scipy.optimize import OptimizeWarning, curve_fit  # 0.2 s, and only this form needs it

    # In units of the mean energy the parameters are of order one and hardly correlated by scale.
    scale = float(x.mean())

    def curve(energy: Floats, a: float, p: float, c: float) -> Floats:
        return np.asarray(a * energy**p + c, dtype=np.float64)

    with warnings.catch_warnings():
        # A covariance that cannot be estimated is a failed fit here, not a warning.
        warnings.simplefilter("error", OptimizeWarning)
        try:
            scaled, covariance = curve_fit(
                curve, x / scale, y / scale, p0=(1.0, 1.0, 0.0), sigma=error / scale, absolute_sigma=True, maxfev=20_000
            )
        except (RuntimeError, OptimizeWarning) as failure:
            return f"the power fit does not converge: {' '.join(str(failure).split())}"
    a, p, c = scaled
    # y = scale (a (x / scale)^p + c): back to GeV, with the derivatives for the covariance.
    factor = scale ** (1.0 - p)
    jacobian = np.array([[factor, -a * factor * np.log(scale), 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, scale]])
    return np.array([a * factor, p, c * scale]), jacobian @ covariance @ jacobian.T
