"""High-level features of roads: differences between stations, folded by the sign of the bending.

Definitions follow the endcap trigger's pT assignment (public EMTF code; Acosta et al., J. Phys. Conf. Ser. 1085
(2018) 042042). Functions see ``variables`` alone, so nothing of the generator can enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.csc_muon.data.planes import N_PLANES, PLANE, modes_of
from hitforge.studies.csc_muon.data.roads import BLOCKS, N_VARIABLES, STRAIGHTNESS, blocks_of
from hitforge.studies.csc_muon.features import DERIVED_NAMES, PAIRS, SIGN
from hitforge.studies.csc_muon.settings import CscModelSettings

Floats = NDArray[np.float32]

OUTLIER_FACTOR: Final = np.float32(1.5)
_NAN: Final = np.float32(np.nan)
# phi of a station: its CSC, else its RPC
_CSC = ((PLANE["me11"], PLANE["me12"]), (PLANE["me2"],), (PLANE["me3"],), (PLANE["me4"],))
_RPC = (PLANE["re1"], PLANE["re2"], PLANE["re3"], PLANE["re4"])


def features_of(variables: Floats) -> Floats:
    """Return all stored columns: the 87 variables, then the derived features.

    Parameters
    ----------
    variables : ndarray, shape (N, 87), float32

    Returns
    -------
    ndarray, shape (N, F), float32
        Columns of :data:`~hitforge.studies.csc_muon.features.FEATURE_NAMES`; NaN where hits are missing.
    """
    return np.concatenate([variables, derived_features(variables)], axis=1)


def visible_features(model: CscModelSettings, features: Floats) -> Floats:
    """Return all stored columns, shape (N, F), made anew without the hits of the planes that a model must not see."""
    if not model.without:
        return features
    return features_of(without_planes(features[:, :N_VARIABLES], model.without))


def without_planes(variables: Floats, planes: Sequence[str]) -> Floats:
    """Return a copy in which the named planes have no hits, for ablations; the road words stay as they are."""
    changed = variables.copy()
    for name in planes:
        for block, kind in enumerate(BLOCKS):
            changed[:, N_PLANES * block + PLANE[name]] = 1 if kind == "mask" else _NAN
    return changed


def derived_features(variables: Floats) -> Floats:
    """Return the derived features.

    Parameters
    ----------
    variables : ndarray, shape (N, 87), float32

    Returns
    -------
    ndarray, shape (N, len(DERIVED_NAMES)), float32
        Odd features (dPhi, bends, pattern) are multiplied by ``fold_sign``. NaN where a hit that a feature needs
        is missing; the sums need all four stations.
    """
    block = blocks_of(variables)
    phi, theta, bend, front = (block[name] for name in ("phi", "theta", "bend", "fr"))
    hit = block["mask"] == 0
    station_phi, station_theta, from_rpc = _stations(phi, theta)
    columns = _differences(station_phi, station_theta)
    sign = columns[SIGN]
    columns |= _sums(columns)
    for number, planes in enumerate(_CSC, start=1):
        columns[f"bend_{number}"] = sign * _first(bend, planes)
        columns[f"front_{number}"] = _first(front, planes)
        columns[f"rpc_{number}"] = from_rpc[number - 1]
    me11, me12 = PLANE["me11"], PLANE["me12"]
    columns["st1_ring2"] = np.where(hit[me11], np.float32(0), np.where(hit[me12], np.float32(1), _NAN))
    columns["theta"] = _first(theta, (PLANE["me2"], PLANE["me3"], PLANE["me4"], me11, me12))
    for name, plane in (("gem", PLANE["ge11"]), ("me0", PLANE["me0"])):
        local = sign * (phi[plane] - phi[me11])
        columns[f"{name}_bend"] = local
        columns[f"{name}_bend_front"] = np.where(front[me11] == 1, local, _NAN)
        columns[f"{name}_bend_rear"] = np.where(front[me11] == 0, local, _NAN)
    columns["n_hits"] = hit.sum(axis=0, dtype=np.float32)
    columns["mode"] = modes_of(hit).astype(np.float32)
    columns["pattern"] = sign * (variables[:, STRAIGHTNESS] - 4)
    return np.stack([columns[name] for name in DERIVED_NAMES], axis=1, dtype=np.float32)


def _first(values: Floats, planes: Sequence[int]) -> Floats:
    """Return the value of the first of the planes that has one, shape (N,)."""
    found: Floats = values[planes[-1]]
    for plane in reversed(planes[:-1]):
        found = np.where(np.isnan(values[plane]), found, values[plane])
    return found


def _stations(phi: Floats, theta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return phi and theta of each station, shape (4, N), and 1 where they are an RPC's, else 0."""
    station_phi, station_theta, from_rpc = np.empty((3, 4, phi.shape[1]), dtype=np.float32)
    for station, (csc, rpc) in enumerate(zip(_CSC, _RPC, strict=True)):
        station_phi[station] = _first(phi, (*csc, rpc))
        station_theta[station] = _first(theta, (*csc, rpc))
        from_rpc[station] = np.isnan(_first(phi, csc)) & ~np.isnan(phi[rpc])
    return station_phi, station_theta, from_rpc


def _differences(phi: Floats, theta: Floats) -> dict[str, Floats]:
    """Return the folding sign and the differences between stations."""
    stations = [(int(ab[0]) - 1, int(ab[1]) - 1) for ab in PAIRS]
    dphi = np.stack([phi[a] - phi[b] for a, b in stations])
    first = _first(dphi, range(len(PAIRS)))
    sign = np.where(first < 0, np.float32(-1), np.float32(1))
    columns: dict[str, Floats] = {SIGN: sign}
    for ab, (a, b), raw in zip(PAIRS, stations, dphi, strict=True):
        columns[f"dphi_{ab}"] = sign * raw
        columns[f"dtheta_{ab}"] = theta[a] - theta[b]
    return columns


def _sums(columns: dict[str, Floats]) -> dict[str, Floats]:
    """Return the sums of dPhi and the outlier station; NaN unless all six dPhi are known."""
    dphi = np.stack([columns[f"dphi_{ab}"] for ab in PAIRS])
    size = np.abs(dphi)
    total, total_abs = dphi.sum(axis=0), size.sum(axis=0)
    uses = np.array([[str(station) in ab for ab in PAIRS] for station in range(1, 5)])  # (4, 6)
    deviation = np.stack([size[row].sum(axis=0) for row in uses])
    largest = np.argmax(deviation, axis=0)
    column = np.arange(len(total))
    others = (deviation.sum(axis=0) - deviation[largest, column]) / 3
    is_outlier = deviation[largest, column] > OUTLIER_FACTOR * others
    of_station = np.stack([dphi[row].sum(axis=0) for row in uses])[largest, column]
    return {
        "dphi_sum4": total,
        "dphi_sum4_abs": total_abs,
        "dphi_sum3": np.where(is_outlier, total - of_station, total),
        "dphi_sum3_abs": np.where(is_outlier, total_abs - deviation[largest, column], total_abs),
        "outlier_station": np.where(np.isnan(total), _NAN, np.where(is_outlier, largest + 1, 0)).astype(np.float32),
    }
