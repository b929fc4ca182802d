"""Pattern words of a road. They see hits and nothing else.

A straightness or zone made from the true q/pT or eta, however smeared, would be an independent measurement of the
target: a model would learn it and fail on data.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.csc_muon.data.planes import PLANES, ZONE_ETA_EDGES, station_planes, zone_of
from hitforge.studies.csc_muon.data.roads import median_of_present, median_theta
from hitforge.studies.csc_muon.simulation.constants import Constants


def straightness_of(phi: NDArray[np.float32], zone: NDArray[np.int64], constants: Constants) -> NDArray[np.int64]:
    """Return the pattern number, 0 to 8, that the phi of the hits suggest.

    Parameters
    ----------
    phi : ndarray, shape (12, N), float32, 1/60 deg
        NaN where a plane has no hit.
    zone : ndarray, shape (N,)
        Zone of the road; it chooses the slopes.

    Returns
    -------
    ndarray, shape (N,)
        Bin of the median over stations b of (phi_1 - phi_b) / (S_1 - S_b), phi in steps of half a degree;
        4, straight, for a road without such a pair of hits. Patterns are made of CSC and RPC hits.
    """
    step = np.float32(constants.straightness.phi_step)
    coarse = np.floor((phi + step / 2) / step) * step
    edges = np.array(ZONE_ETA_EDGES)
    centres = constants.slopes_at((edges[1:] + edges[:-1]) / 2)
    phi_of, slope_of = zip(*(_first_hit(coarse, centres, zone, station) for station in (1, 2, 3, 4)), strict=True)
    with np.errstate(invalid="ignore"):
        suggested = [(phi_of[0] - phi_of[b]) / (slope_of[0] - slope_of[b]) for b in (1, 2, 3)]
    middle = np.nan_to_num(median_of_present(np.stack(suggested)))
    return np.asarray(np.digitize(middle, constants.straightness.edges))


def _first_hit(
    phi: NDArray[np.float32], centres: NDArray[np.float32], zone: NDArray[np.int64], station: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return phi and slope of a station's CSC hit, else its RPC hit, shape (N,); NaN phi without either."""
    found = np.full(phi.shape[1], np.nan, dtype=np.float32)
    slope = np.zeros(phi.shape[1], dtype=np.float32)
    for plane in (plane for plane in station_planes(station) if PLANES[plane].type != "GEM"):
        use = np.isnan(found) & ~np.isnan(phi[plane])
        found[use] = phi[plane, use]
        slope[use] = centres[plane][zone[use]]
    return found, slope


def road_words(
    phi: NDArray[np.float32], theta: NDArray[np.float32], constants: Constants
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.floating]]:
    """Return straightness, zone and median theta of each road, each of shape (N,), from hits (12, N)."""
    middle = median_theta(theta)
    zone = zone_of(middle)
    return straightness_of(phi, zone, constants), zone, middle
