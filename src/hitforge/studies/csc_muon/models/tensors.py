"""Tensors of roads for networks. Functions see ``variables`` alone, so nothing of the generator can enter."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.csc_muon.data.planes import N_PLANES, PLANE, PLANES
from hitforge.studies.csc_muon.data.roads import blocks_of, median_of_present, median_theta

Floats = NDArray[np.float32]

PLANE_CHANNELS: Final = ("phi", "theta", "bend", "time", "inner_ring", "outer_ring", "front", "hit", "z")
"""Channels of the plane map, in units of 500/60 deg, 8 * 36.5/128 deg, 40, BX, 1, 1, +-1, 1, 10 m."""

IMAGE_ROWS: Final = ("me0", "ge11", "me11", "me12", "re1", "re2", "ge21", "me2", "me3", "re3", "me4", "re4")
"""Planes of the hit image's rows, by their place along the beam."""

IMAGE_COLUMNS: Final = 96
COLUMN_UNITS: Final = 16  # 1/60 deg
IMAGE_CHANNELS: Final = ("occupancy", "bend", "theta", "front")

_PHI_SCALE, _THETA_SCALE, _BEND_SCALE, _Z_SCALE_CM = (np.float32(scale) for scale in (500, 8, 40, 1000))
_ROW_PLANES: Final = [PLANE[name] for name in IMAGE_ROWS]


def plane_map(variables: Floats, sign: Floats) -> Floats:
    """Return the hits plane by plane.

    Parameters
    ----------
    variables : ndarray, shape (N, 87), float32
    sign : ndarray, shape (N,), float32
        Multiplies phi differences and bends: ``fold_sign`` where the target is folded too, else 1.

    Returns
    -------
    ndarray, shape (N, 12, 9), float32
        Channels of :data:`PLANE_CHANNELS`: phi and theta relative to the median of the road's hits. All but z are
        0 where the plane has no hit.
    """
    block = blocks_of(variables)
    inner = (block["ring"] == 1) | (block["ring"] == 4)
    channels = (
        sign * (block["phi"] - median_of_present(block["phi"])) / _PHI_SCALE,
        (block["theta"] - median_theta(block["theta"])) / _THETA_SCALE,
        sign * block["bend"] / _BEND_SCALE,
        block["time"],
        inner,
        ~inner,
        2 * block["fr"] - 1,
        np.float32(1),
        np.array([plane.z_cm for plane in PLANES], dtype=np.float32)[:, None] / _Z_SCALE_CM,
    )
    hit = block["mask"] == 0
    out = np.zeros((len(variables), N_PLANES, len(channels)), dtype=np.float32)
    for channel, values in enumerate(channels):
        out[:, :, channel] = (values if channel == len(channels) - 1 else np.where(hit, values, 0)).T
    return out


def hit_image(variables: Floats, sign: Floats) -> Floats:
    """Return stations along the beam by phi, each hit shared between the two columns next to it.

    The shares are linear in the distance to the column centres, so that the centroid of a row's occupancy is the
    hit's phi to one unit; plain binning would keep 16 units.

    Parameters
    ----------
    variables : ndarray, shape (N, 87), float32
    sign : ndarray, shape (N,), float32
        As for :func:`plane_map`.

    Returns
    -------
    ndarray, shape (N, 4, 12, 96), float32
        Channels of :data:`IMAGE_CHANNELS`: share of the hit, and times it bend / 40, (theta - median) / 8 and
        +-1 for front and rear chambers. The phi axis spans +-768/60 deg about ME2 (else ME3, ME4, or the hit
        nearest to the median theta); what lies outside is in the outermost columns.
    """
    block = blocks_of(variables)
    middle = median_theta(block["theta"])
    centre = _centre(block["phi"], block["theta"], middle)
    place = sign * (block["phi"] - centre) / COLUMN_UNITS + (IMAGE_COLUMNS - 1) / 2
    hit = block["mask"] == 0
    place = np.clip(np.where(hit, place, 0), 0, IMAGE_COLUMNS - 1)
    left = np.minimum(place.astype(np.int64), IMAGE_COLUMNS - 2)
    right_share = (place - left).astype(np.float32)
    values = (
        np.ones_like(place),
        sign * block["bend"] / _BEND_SCALE,
        (block["theta"] - middle) / _THETA_SCALE,
        2 * block["fr"] - 1,
    )
    image = np.zeros((len(variables), len(IMAGE_CHANNELS), N_PLANES, IMAGE_COLUMNS), dtype=np.float32)
    row_of = np.argsort(_ROW_PLANES)  # image row of each plane
    plane, road = np.nonzero(hit)
    columns, share = left[hit], right_share[hit]
    for channel, value in enumerate(values):
        content = value[hit]
        image[road, channel, row_of[plane], columns] = (1 - share) * content
        image[road, channel, row_of[plane], columns + 1] = share * content
    return image


def img5x5(features: Floats, low: Floats, high: Floats) -> Floats:
    """Return the deck's image: 23 features scaled to 0 to 255, padded with zeros to 5 x 5.

    Parameters
    ----------
    features : ndarray, shape (N, 23), float32
        Columns of the set ``seed23``.
    low, high : ndarray, shape (23,), float32
        Smallest and largest value of each in the training events: never those of the events at hand.

    Returns
    -------
    ndarray, shape (N, 1, 5, 5), float32
        Values outside the range of training are cut to it; 0 where a feature is missing or has no range.
    """
    if features.shape[1] != 23:
        raise ValueError(f"the image is made of the 23 features of seed23, not of {features.shape[1]}")
    width = np.where(high > low, high - low, np.float32(np.inf))
    image = np.zeros((len(features), 25), dtype=np.float32)
    image[:, :23] = np.clip(np.nan_to_num((features - low) / width), 0, 1) * 255
    return image.reshape(-1, 1, 5, 5)


def _centre(phi: Floats, theta: Floats, median: NDArray[np.floating]) -> Floats:
    """Return phi of ME2, else of ME3, ME4, or the first hit nearest to the median theta, shape (N,)."""
    distance = np.abs(theta - median)
    nearest = np.argmin(np.where(np.isnan(distance), np.inf, distance), axis=0)
    centre = phi[nearest, np.arange(phi.shape[1])]
    for name in ("me4", "me3", "me2"):
        centre = np.where(np.isnan(phi[PLANE[name]]), centre, phi[PLANE[name]])
    return np.asarray(centre)
