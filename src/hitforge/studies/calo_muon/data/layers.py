"""Per-layer profiles of a muon's shower around its track: a small tensor for networks, and summaries for trees.

The track is the straight line along z through the entry point, as a tracker would give it. A muon's hits fall into
rings around it, layer by layer; what stands in a layer then needs 25 numbers instead of 1 024 cells.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hitforge.compiled import compiled
from hitforge.hits import CellHits
from hitforge.studies.calo_muon.data.geometry import Geometry
from hitforge.studies.calo_muon.features import LARGEST_LAYERS, LAYER_QUANTILES
from hitforge.studies.calo_muon.settings import LayerSettings

_LENGTH_MM: Final = 10.0
"""Unit of the three lengths in the network's tensor."""

Floats = NDArray[np.float32]


def channel_names(settings: LayerSettings) -> tuple[str, ...]:
    """Return the names of the channels: energies in GeV, counts of cells, and three lengths in mm at the end."""
    return (
        *(f"ring_{i}" for i in range(len(settings.rings_mm) + 1)),
        *(f"cells_{1000 * edge:g}mev" for edge in settings.cell_thresholds_gev),
        *(f"class_{i}" for i in range(len(settings.class_edges_gev) + 1)),
        *(f"largest_{i}" for i in range(settings.largest_cells)),
        "total",
        "mean_x",
        "mean_y",
        "rms_r",
    )


def layer_profiles(
    hits: CellHits,
    x_mm: NDArray[np.floating],
    y_mm: NDArray[np.floating],
    geometry: Geometry,
    settings: LayerSettings,
) -> Floats:
    """Sum the hits of each muon layer by layer.

    Parameters
    ----------
    hits : CellHits
        Deposits of N muons in GeV.
    x_mm, y_mm : ndarray, shape (N,), mm
        Entry points.

    Returns
    -------
    ndarray, shape (N, C, n_z), float32
        Channels of :func:`channel_names` in each layer, all zero in a layer without deposit: energy in rings of
        distance from the track [GeV], numbers of cells above thresholds, energy in classes of cells [GeV], the largest
        cells [GeV], all energy [GeV], energy-weighted mean offset along x and y and root mean square distance [mm].

    Raises
    ------
    ValueError
        An entry point is not known: published fold files have none.
    """
    if not (np.all(np.isfinite(x_mm)) and np.all(np.isfinite(y_mm))):
        raise ValueError(
            "layer profiles need the entry points, which fold files lack: read the ROOT ntuples, or leave out the "
            "models with layers"
        )
    profiles = np.zeros((len(hits), len(channel_names(settings)), geometry.n_z), dtype=np.float32)
    _fill(
        hits.indptr,
        hits.cell,
        hits.energy,
        np.asarray(x_mm, dtype=np.float64),
        np.asarray(y_mm, dtype=np.float64),
        geometry.n_x,
        geometry.n_y,
        geometry.pitch_x_mm,
        geometry.pitch_y_mm,
        np.square(settings.rings_mm),
        np.asarray(settings.cell_thresholds_gev, dtype=np.float32),
        np.asarray(settings.class_edges_gev, dtype=np.float32),
        settings.largest_cells,
        profiles,
    )
    return profiles


def as_tensor(profiles: Floats, settings: LayerSettings) -> Floats:
    """Return the profiles as a network takes them: energies as log(1 + E / floor), counts as log(1 + n), lengths in cm.

    Parameters
    ----------
    profiles : ndarray, shape (N, C, n_z), float32
        From :func:`layer_profiles`; changed in place.
    """
    counts = slice(len(settings.rings_mm) + 1, len(settings.rings_mm) + 1 + len(settings.cell_thresholds_gev))
    profiles[:, : counts.start] /= np.float32(settings.floor_gev)
    profiles[:, counts.stop : -3] /= np.float32(settings.floor_gev)
    np.log1p(profiles[:, :-3], out=profiles[:, :-3])
    profiles[:, -3:] /= np.float32(_LENGTH_MM)
    return profiles


def layer_summaries(profiles: Floats, settings: LayerSettings) -> Floats:
    """Return what trees see of the profiles: the columns of ``feature_table.summary_units``, shape (N, S), float32.

    The largest layer energies in falling order, quantiles of the layer energies, numbers of cells, energies of the
    rings, their mean log(1 + E / floor) over the layers, and the sum of the square roots of the layer energies.
    """
    names = channel_names(settings)
    n_rings, total = len(settings.rings_mm) + 1, names.index("total")
    energies = np.sort(profiles[:, total].astype(np.float64), axis=1)
    n_layers = energies.shape[1]
    largest = np.zeros((len(profiles), LARGEST_LAYERS))
    kept = min(n_layers, LARGEST_LAYERS)
    largest[:, :kept] = energies[:, : -kept - 1 : -1]
    places = [round(q * (n_layers - 1)) for q in LAYER_QUANTILES]
    counts = profiles[:, n_rings : n_rings + len(settings.cell_thresholds_gev)].sum(axis=2, dtype=np.float64)
    rings = profiles[:, :n_rings].astype(np.float64)
    columns = (
        largest,
        energies[:, places],
        counts,
        rings.sum(axis=2),
        np.log1p(rings / settings.floor_gev).mean(axis=2),
        np.sqrt(energies).sum(axis=1, keepdims=True),
    )
    return np.concatenate(columns, axis=1).astype(np.float32)


@compiled
def _bin_starts(edges: Floats) -> NDArray[np.int64]:
    """Return how many edges are below all floats with given 13 leading bits: where the search of a bin can begin."""
    starts = np.zeros(1 << 13, np.int64)
    leading = edges.view(np.uint32) >> np.uint32(19)
    for i in range(len(starts)):
        k = 0
        while k < len(edges) and leading[k] < i:
            k += 1
        starts[i] = k
    return starts


@compiled
def _fill(
    indptr: NDArray[np.int64],
    cell: NDArray[np.unsignedinteger],
    energy: Floats,
    x_mm: NDArray[np.float64],
    y_mm: NDArray[np.float64],
    n_x: int,
    n_y: int,
    pitch_x: float,
    pitch_y: float,
    rings_squared: NDArray[np.float64],
    thresholds: Floats,
    class_edges: Floats,
    n_largest: int,
    out: Floats,
) -> None:
    """Fill ``out``, shape (N, C, n_z), with the profiles of N muons; it must be zero."""
    n_layer = n_x * n_y
    n_rings, n_thresholds, n_classes = len(rings_squared) + 1, len(thresholds), len(class_edges) + 1
    # a hit costs a few nanoseconds: no division, and bins are found without unpredictable branches
    bits = energy.view(np.uint32)
    first_threshold, first_class = _bin_starts(thresholds), _bin_starts(class_edges)
    ring_of, offset = np.empty(n_layer, np.int64), np.empty((n_layer, 3))
    ring, passed, classes = np.empty(n_rings), np.empty(n_thresholds + 1, np.int64), np.empty(n_classes)
    largest = np.empty(n_largest, np.float32)
    for muon in range(len(indptr) - 1):
        for place in range(n_layer):
            x = (place // n_y + 0.5 - 0.5 * n_x) * pitch_x - x_mm[muon]
            y = (place % n_y + 0.5 - 0.5 * n_y) * pitch_y - y_mm[muon]
            r2 = x * x + y * y
            offset[place, 0], offset[place, 1], offset[place, 2] = x, y, r2
            k = 0
            for edge in rings_squared:
                k += r2 >= edge
            ring_of[place] = k
        hit, stop = indptr[muon], indptr[muon + 1]
        while hit < stop:
            layer = np.int64(cell[hit]) // n_layer
            first = layer * n_layer
            ring[:] = 0.0
            passed[:] = 0
            classes[:] = 0.0
            largest[:] = 0.0
            sum_x = sum_y = sum_r2 = 0.0
            while hit < stop:
                spot = np.int64(cell[hit]) - first
                if spot >= n_layer:
                    break
                e = energy[hit]
                leading = bits[hit] >> np.uint32(19)
                hit += 1
                ring[ring_of[spot]] += e
                sum_x += e * offset[spot, 0]
                sum_y += e * offset[spot, 1]
                sum_r2 += e * offset[spot, 2]
                k = int(first_threshold[leading])
                while k < n_thresholds and e > thresholds[k]:
                    k += 1
                passed[k] += 1
                k = int(first_class[leading])
                while k < n_classes - 1 and e > class_edges[k]:
                    k += 1
                classes[k] += e
                if n_largest and e > largest[n_largest - 1]:
                    k = n_largest - 1
                    while k > 0 and e > largest[k - 1]:
                        largest[k] = largest[k - 1]
                        k -= 1
                    largest[k] = e
            row = out[muon, :, layer]
            total = 0.0
            for k in range(n_rings):
                row[k] = ring[k]
                total += ring[k]
            above = 0
            for k in range(n_thresholds - 1, -1, -1):
                above += passed[k + 1]
                row[n_rings + k] = above
            at = n_rings + n_thresholds
            for k in range(n_classes):
                row[at + k] = classes[k]
            at += n_classes
            for k in range(n_largest):
                row[at + k] = largest[k]
            at += n_largest
            row[at] = total
            if total > 0.0:
                row[at + 1] = sum_x / total
                row[at + 2] = sum_y / total
                row[at + 3] = np.sqrt(sum_r2 / total)
