"""Features of sub-images: names, units and named sets, then the formulas.

One that an empty channel does not define is NaN.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hitforge.studies.object_id.data.image import ImageSettings, to_columns
from hitforge.studies.object_id.data.objects import CHANNELS

_TOTAL: Final = {"ln_T": "ln GeV"} | dict.fromkeys(
    (
        *("em_frac", "R_had", "ring_01", "ring_12", "ring_24", "eccentricity", "tau21", "tau32", "axis_distance"),
        *("R_eta", "R_phi", "w_s3"),
    ),
    "",
)
_EACH: Final = dict.fromkeys(
    (
        *("sum", "n_cells", "max", "max_frac", "second_frac", "w_eta", "w_phi", "w_R", "skew_eta", "skew_phi", "pTD"),
        *("offset_eta", "offset_phi", "n_maxima"),
    ),
    "",
) | {"sum": "GeV", "max": "GeV", "w_phi": "rad", "offset_phi": "rad"}
_SHOWERS: Final = _TOTAL | {f"{name}_{c}": unit for c in CHANNELS for name, unit in _EACH.items()}
FEATURE_UNITS: Final = _SHOWERS | {"abs_eta": ""}
"""Unit of each feature that is stored behind the cells; "" for a number or a distance in eta."""

HIGH_LEVEL: Final = tuple(_SHOWERS)
"""The features made of the image."""

FEATURE_SETS: Final = {"default": HIGH_LEVEL, "with_eta": (*HIGH_LEVEL, "abs_eta"), "energy": ("ln_T",), "none": ()}
"""Columns of each named feature set; networks on images read the cells besides."""

LOCAL_MAXIMUM_GEV = 1.0
LARGEST_R_HAD = 100.0
ROWS_AT_A_TIME = 1000

ROUNDS = 4
"""Updates of the axes; the hottest cells that are not close to each other are a good start."""

SEPARATION = 0.1
"""Least distance of two starting axes, as far as there are deposits that allow it."""

Floats = NDArray[np.float64]


def feature_set(name: str) -> tuple[str, ...]:
    """Return the columns of a feature set."""
    return FEATURE_SETS[name]


def columns_of(stored: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """Return the columns of a feature set, shape (N, f), of all stored columns, shape (N, F)."""
    first = stored.shape[1] - len(FEATURE_UNITS)  # cells stand in front of the features
    return stored[:, [first + list(FEATURE_UNITS).index(column) for column in FEATURE_SETS[name]]]


def features_of(image: NDArray[np.float32], eta: NDArray[np.floating], settings: ImageSettings) -> NDArray[np.float32]:
    """Return all stored columns, shape (N, F): the cells as logarithms, the high-level features, abs(eta).

    Parameters
    ----------
    image : ndarray, shape (N, 2, H, W), GeV
    eta : ndarray, shape (N,)
        Of the axis.
    """
    blocks = [
        high_level(image[start : start + ROWS_AT_A_TIME].astype(np.float64), settings)
        for start in range(0, len(image), ROWS_AT_A_TIME)
    ]
    empty = np.zeros((0, len(HIGH_LEVEL)), dtype=np.float32)
    abs_eta = np.abs(eta, dtype=np.float32)[:, None]
    return np.concatenate([to_columns(image), np.concatenate([empty, *blocks]), abs_eta], axis=1)


def high_level(image: Floats, settings: ImageSettings) -> NDArray[np.float32]:
    """Return the features of :data:`HIGH_LEVEL`, shape (n, F), of images in GeV, shape (n, 2, H, W).

    Offsets and skewnesses are magnitudes, so that an image and its mirror images have the same features.
    """
    values: dict[str, Floats] = {}
    for c, channel in enumerate(CHANNELS):
        found = _of_channel(image[:, c], settings)
        values |= {f"{name}_{channel}": column for name, column in found.items()}
    values |= _of_both(image, settings)
    values["axis_distance"] = np.hypot(
        values["mean_eta_em"] - values["mean_eta_had"], values["mean_phi_em"] - values["mean_phi_had"]
    )
    return np.stack([values[name] for name in HIGH_LEVEL], axis=1).astype(np.float32)


def _of_channel(image: Floats, settings: ImageSettings) -> dict[str, Floats]:
    flat = image.reshape(len(image), -1)
    total = flat.sum(axis=1)
    largest = np.partition(flat, -2, axis=1)[:, -2:]
    eta, phi = settings.axes()
    found = {
        "sum": total,
        "n_cells": (flat > 0).sum(axis=1).astype(np.float64),
        "max": largest[:, 1],
        "max_frac": _ratio(largest[:, 1], total),
        "second_frac": _ratio(largest[:, 0], total),
        "pTD": _ratio(np.sqrt((flat**2).sum(axis=1)), total),
        "n_maxima": _local_maxima(image),
    }
    for name, axis, centres in (("eta", 1, eta), ("phi", 2, phi)):
        profile = image.sum(axis=3 - axis)
        mean = _ratio(profile @ centres, total)
        distance = centres - mean[:, None]
        width = np.sqrt(_ratio((profile * distance**2).sum(axis=1), total))
        third = _ratio((profile * distance**3).sum(axis=1), total)
        # a single cell has no width, and then no skewness either
        found |= {
            f"mean_{name}": mean,
            f"offset_{name}": np.abs(mean),
            f"w_{name}": width,
            f"skew_{name}": np.abs(_ratio(third, np.where(width > 1e-6, width, 0.0) ** 3)),
        }
    found["w_R"] = np.hypot(found["w_eta"], found["w_phi"])
    return found


def _of_both(image: Floats, settings: ImageSettings) -> dict[str, Floats]:
    eta, phi = settings.axes()
    both = image.sum(axis=1)
    sums = image.sum(axis=(2, 3))
    total = sums.sum(axis=1)
    distance = np.hypot(eta[:, None], phi[None, :])
    rings = {"ring_01": (0.0, 0.1), "ring_12": (0.1, 0.2), "ring_24": (0.2, 0.4)}
    found: dict[str, Floats] = {
        "ln_T": np.log(total),
        "em_frac": _ratio(sums[:, 0], total),
        "R_had": np.minimum(_ratio(sums[:, 1], sums[:, 0]), LARGEST_R_HAD),
        "eccentricity": _eccentricity(both, eta, phi),
    }
    for name, (low, high) in rings.items():
        found[name] = _ratio(both[:, (distance >= low) & (distance < high)].sum(axis=1), total)
    flat = both.reshape(len(both), -1)
    grid_eta, grid_phi = (np.ravel(grid) for grid in np.meshgrid(eta, phi, indexing="ij"))
    one, two, three = (axis_distances(flat, grid_eta, grid_phi, n) for n in (1, 2, 3))
    # less than a hundredth of a cell is one deposit in one cell
    found["tau21"] = _ratio(two, np.where(one > 5e-4, one, 0.0))
    found["tau32"] = _ratio(three, np.where(two > 5e-4, two, 0.0))
    return found | _strips(image[:, 0])


def _eccentricity(both: Floats, eta: Floats, phi: Floats) -> Floats:
    """Return (l1 - l2) / (l1 + l2) of the moment matrix's eigenvalues: 0 for a round deposit, 1 for a line."""
    total = both.sum(axis=(1, 2))
    in_eta, in_phi = both.sum(axis=2), both.sum(axis=1)
    mean_eta, mean_phi = _ratio(in_eta @ eta, total), _ratio(in_phi @ phi, total)
    ee = _ratio(in_eta @ eta**2, total) - mean_eta**2
    pp = _ratio(in_phi @ phi**2, total) - mean_phi**2
    ep = _ratio(np.einsum("nij,i,j->n", both, eta, phi), total) - mean_eta * mean_phi
    trace = ee + pp
    return _ratio(np.sqrt((ee - pp) ** 2 + 4 * ep**2), np.where(trace > 1e-9, trace, 0.0))


def _strips(em: Floats) -> dict[str, Floats]:
    """Return the ratios of windows around the hottest EM cell, kept inside the image, and the width of three rows.

    R_eta = E(3x7) / E(7x7) and R_phi = E(3x3) / E(3x7), cells in eta x phi.
    """
    n, rows, columns = em.shape
    hottest = em.reshape(n, -1).argmax(axis=1)
    row = np.clip(hottest // columns, 3, rows - 4)
    column = np.clip(hottest % columns, 3, columns - 4)
    window = sliding_window_view(em, (7, 7), axis=(1, 2))[np.arange(n), row - 3, column - 3]
    three_rows, core = window[:, 2:5].sum(axis=(1, 2)), window[:, 2:5, 2:5]
    strips = core.sum(axis=2)
    total = strips.sum(axis=1)
    mean = _ratio(strips @ np.arange(3.0), total)
    width = np.sqrt(np.maximum(_ratio(strips @ np.arange(3.0) ** 2, total) - mean**2, 0.0))
    return {"R_eta": _ratio(three_rows, window.sum(axis=(1, 2))), "R_phi": _ratio(total, three_rows), "w_s3": width}


def _local_maxima(image: Floats) -> Floats:
    """Return the number of cells above 1 GeV that are the largest of their 3 x 3 neighbours, shape (n,)."""
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    around = sliding_window_view(padded, (3, 3), axis=(1, 2)).max(axis=(3, 4))
    peak = (image >= around) & (image > LOCAL_MAXIMUM_GEV)
    return np.asarray(peak.sum(axis=(1, 2)), dtype=np.float64)


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Return the quotient, NaN where the denominator is not positive."""
    result = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def axis_distances(energy: Floats, eta: Floats, phi: Floats, n_axes: int) -> Floats:
    """Return the energy-weighted mean distance to the nearest of ``n_axes`` k-means axes, shape (n,).

    Parameters
    ----------
    energy : ndarray, shape (n, cells)
        Deposits, of which at least one is positive.
    eta, phi : ndarray, shape (cells,)
        Centres of the cells.
    """
    axes = _start(energy, eta, phi, n_axes)
    for _ in range(ROUNDS):
        nearest = _distances(axes, eta, phi).argmin(axis=1)
        for k in range(n_axes):
            own = np.where(nearest == k, energy, 0.0)
            total = own.sum(axis=1)
            moved = np.stack([own @ eta, own @ phi], axis=1) / np.where(total > 0, total, 1.0)[:, None]
            axes[:, k] = np.where((total > 0)[:, None], moved, axes[:, k])
    shortest = _distances(axes, eta, phi).min(axis=1)
    return np.asarray((energy * shortest).sum(axis=1) / energy.sum(axis=1))


def _start(energy: Floats, eta: Floats, phi: Floats, n_axes: int) -> Floats:
    """Return the hottest cell, then the hottest that is far from those before, shape (n, n_axes, 2)."""
    left = energy.copy()
    axes = np.empty((len(energy), n_axes, 2))
    for k in range(n_axes):
        hottest = left.argmax(axis=1)
        axes[:, k] = np.stack([eta[hottest], phi[hottest]], axis=1)
        near = np.hypot(eta - axes[:, k, :1], phi - axes[:, k, 1:]) < SEPARATION
        left = np.where(near, -1.0, left)
    return axes


def _distances(axes: Floats, eta: Floats, phi: Floats) -> Floats:
    """Return distances, shape (n, n_axes, cells)."""
    return np.hypot(eta - axes[:, :, :1], phi - axes[:, :, 1:])
