"""High-level features of candidates (CMS EcalClusterTools; definitions of the scouting slides).

Functions see reconstructed columns alone, so nothing of the generator can enter. In EE, eta and phi of the 5 x 5 are
x and y.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.scouting_egamma.data import geometry
from hitforge.studies.scouting_egamma.data.candidates import MATRIX, TRACK, Candidates
from hitforge.studies.scouting_egamma.data.moments import Moments, moments_of
from hitforge.studies.scouting_egamma.features import CELLS, CLUSTER_COLUMNS, FEATURE_NAMES, RATIOS

Floats = NDArray[np.float32]


def features_of(candidates: Candidates) -> Floats:
    """Return all stored columns, shape (N, F), of candidates with energy in the 5 x 5.

    NaN where a column has no meaning: tracks of photons, distances to barrel gaps in the endcaps.
    """
    matrix = candidates.matrix
    moments = moments_of(matrix)
    columns: dict[str, NDArray[np.generic]] = {name: candidates[name] for name in (*CLUSTER_COLUMNS, *TRACK)}
    columns |= dict(zip(CELLS, candidates[MATRIX].T, strict=True))
    columns |= energy_sums(matrix)
    columns |= _shapes(columns, moments, candidates)
    columns |= _scale_free(columns, matrix)
    columns |= _place(candidates, moments)
    columns |= {"dead": candidates["dead_5x5"], "is_electron": candidates["is_electron"], "is_eb": candidates["is_EB"]}
    return np.stack([np.asarray(columns[name], dtype=np.float32) for name in FEATURE_NAMES], axis=1)


def energy_sums(matrix: Floats) -> dict[str, Floats]:
    """Return the sums over cells, shape (N,) each, GeV, of energies, shape (N, 5, 5), the seed in the middle.

    L and R are lower and higher eta, B and T lower and higher phi; ``e1x5`` is one row in eta, five columns in phi.
    """
    rows, columns = matrix.sum(axis=2), matrix.sum(axis=1)
    ordered = np.partition(matrix.reshape(-1, 25), 23, axis=1)
    return {
        "eMax": matrix[:, 2, 2],
        "e2nd": ordered[:, 23],
        "eL": matrix[:, 1, 2],
        "eR": matrix[:, 3, 2],
        "eB": matrix[:, 2, 1],
        "eT": matrix[:, 2, 3],
        "e1x5": rows[:, 2],
        "e3x3": matrix[:, 1:4, 1:4].sum(axis=(1, 2)),
        "e5x5": rows.sum(axis=1),
        "e2x5L": rows[:, :2].sum(axis=1),
        "e2x5R": rows[:, 3:].sum(axis=1),
        "e2x5B": columns[:, :2].sum(axis=1),
        "e2x5T": columns[:, 3:].sum(axis=1),
        "e2x5M": rows[:, 2] + np.maximum(rows[:, 1], rows[:, 3]),
    }


def _shapes(columns: dict[str, NDArray[Any]], moments: Moments, candidates: Candidates) -> dict[str, Floats]:
    width = np.where(candidates["is_EB"] > 0, geometry.EB_WIDTH, geometry.EE_WIDTH)
    return {
        "r9": columns["e3x3"] / columns["raw_energy"],
        "sieie": np.sqrt(moments.eta_eta) * width,
        "sipip": np.sqrt(moments.phi_phi) * width,
        "sieip": moments.eta_phi * width**2,
    }


def _scale_free(columns: dict[str, NDArray[Any]], matrix: Floats) -> dict[str, NDArray[Any]]:
    total = columns["e5x5"]
    ratios = {name: columns[name.removesuffix("_e5x5")] / total for name in RATIOS}
    return {
        **ratios,
        "e1x1_e5x5": columns["eMax"] / total,
        "e1x1_e3x3": _ratio(columns["eMax"], columns["e3x3"]),
        "ln_e5x5": np.log(total),
        "ln_pt": np.log(columns["pt"]),
        "raw_e5x5": columns["raw_energy"] / total,
        "pse_raw": columns["pse"] / columns["raw_energy"],
        "asym_eta": _ratio(columns["eR"] - columns["eL"], columns["eR"] + columns["eL"]),
        "asym_phi": _ratio(columns["eT"] - columns["eB"], columns["eT"] + columns["eB"]),
        "n_cells": (matrix > 0).sum(axis=(1, 2)),
    }


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """Return the quotient, 0 where both are."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def _place(candidates: Candidates, moments: Moments) -> dict[str, NDArray[Any]]:
    """Return where the shower is: the log-weighted position against the gaps, and words of the seed crystal."""
    barrel = candidates["is_EB"] > 0
    ieta, iphi = candidates["ieta"].astype(np.int64), candidates["iphi"].astype(np.int64)
    eta_position = geometry.signed_eta_index(ieta) + np.float32(0.5) + moments.eta
    phi_position = iphi - np.float32(0.5) + moments.phi
    x, y = (word - 0.5 + mean - geometry.EE_CENTRE for word, mean in ((ieta, moments.eta), (iphi, moments.phi)))

    def where(region: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[Any]:
        return np.where(region, values, np.nan)

    return {
        "d_sm": where(barrel, geometry.supermodule_distance(phi_position)),
        "d_mod": where(barrel, geometry.module_distance(eta_position)),
        "radius": where(~barrel, np.hypot(x, y)),
        "module_place": where(barrel, geometry.module_place(ieta)),
        "ieta_5": where(barrel, np.abs(ieta) % 5),
        "iphi_2": where(barrel, iphi % 2),
        "iphi_20": where(barrel, iphi % 20),
        "sin_phi": np.sin(candidates["phi"]),
        "cos_phi": np.cos(candidates["phi"]),
    }
