"""Quantities of single layers, pooled over all muons: 50 times as many entries as muons, free of rare losses.

A layer of a given energy looks the same whatever the muon's energy, so bins of the layer's energy compare the showers
themselves: quiet layers ionisation and knock-on electrons, loud ones the electromagnetic cascade.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.calo_muon.data.geometry import Geometry
from hitforge.studies.calo_muon.data.muons import Muons

BINS_GEV: Final = (0.045, 0.06, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_CUTS_GEV: Final = {"1 MeV": 1e-3, "10 MeV": 1e-2, "0.1 GeV": 0.1}
_RINGS_MM: Final = {"r < 5": (0.0, 5.0), "5-15": (5.0, 15.0), "> 30": (30.0, np.inf)}


def layer_quantities(muons: Muons, geometry: Geometry, start_z_mm: float) -> dict[str, NDArray[np.float64]]:
    """Compute what is compared, per layer: arrays of shape (N n_z,).

    Distances are from the muon's path in the field, a parabola from ``start_z_mm`` on. Fractions are of the layer.
    """
    hits, n = muons.hits, len(muons) * geometry.n_z
    event = np.repeat(np.arange(len(muons)), np.diff(hits.indptr))
    e = hits.energy.astype(np.float64)
    iz, ix, iy = np.unravel_index(hits.cell.astype(np.int64), geometry.shape)
    way_m = ((iz + 0.5) * geometry.pitch_z_mm - start_z_mm) * 1e-3
    # 0.3 B z^2 / (2 p) in metres, towards +x for a negative muon
    bend_mm = 1e3 * -0.299792458 * muons.charge[event] * geometry.field_tesla * way_m**2 / (2 * muons.energy_gev[event])
    dx = (ix + 0.5) * geometry.pitch_x_mm - geometry.half_width_x_mm - muons.x_mm[event] - bend_mm
    dy = (iy + 0.5) * geometry.pitch_y_mm - geometry.half_width_y_mm - muons.y_mm[event]
    r = np.hypot(dx, dy)
    layer = event * geometry.n_z + iz
    total = np.bincount(layer, e, n).astype(np.float64)
    some = np.maximum(total, 1e-12)
    largest = np.zeros(n)
    np.maximum.at(largest, layer, e)
    result: dict[str, NDArray[np.float64]] = {"E": total, "f, largest cell": largest / some}
    for name, cut in _CUTS_GEV.items():
        result[f"cells > {name}"] = np.bincount(layer, e > cut, n).astype(np.float64)
    for name, (low, high) in _RINGS_MM.items():
        result[f"f, {name} mm"] = (
            np.bincount(layer, np.where((r >= low) & (r < high), e, 0.0), n).astype(np.float64) / some
        )
    return result


def layer_means(values: dict[str, NDArray[np.float64]]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return mean and its error of each quantity in each bin of the layer's energy; empty bins are left out."""
    result: dict[str, dict[str, tuple[float, float]]] = {}
    for low, high in pairwise(BINS_GEV):
        chosen = (values["E"] >= low) & (values["E"] < high)
        if chosen.sum() < 100:
            continue
        result[f"layers of {low:g}-{high:g} GeV"] = {
            name: (float(v[chosen].mean()), float(v[chosen].std() / np.sqrt(chosen.sum())))
            for name, v in values.items()
            if name != "E" and v[chosen].any()
        }
    return result
