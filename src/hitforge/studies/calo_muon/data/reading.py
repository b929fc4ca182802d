"""From a part to the blocks of its shard: muons with their features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hitforge.hits import CellHits
from hitforge.shards import ShardBlock
from hitforge.studies.calo_muon.data.clusters import fill_features
from hitforge.studies.calo_muon.data.geometry import Geometry, load_geometry
from hitforge.studies.calo_muon.data.layers import layer_profiles, layer_summaries
from hitforge.studies.calo_muon.data.lumin import fold_blocks, is_fold
from hitforge.studies.calo_muon.data.muons import LIMITS, Muons
from hitforge.studies.calo_muon.data.ntuple import event_bucket, read_muons
from hitforge.studies.calo_muon.features import FEATURE_NAMES, column_units
from hitforge.studies.calo_muon.settings import LayerSettings


def read(source: str, *, geometry: str | Geometry, layers: LayerSettings) -> Iterator[ShardBlock]:
    """Yield the muons of a ntuple, or of a fold of a published file, with their features."""
    block = load_geometry(geometry)
    if not is_fold(source):
        return _ntuple_blocks(source, block, layers)
    return read_fold(source, block, layers)


def read_fold(source: str, geometry: Geometry, layers: LayerSettings) -> Iterator[ShardBlock]:
    """Yield the muons of a fold: they have no entry point, so what is laid out around it is not there (NaN)."""
    for block in fold_blocks(source, geometry):
        features = np.full((len(block), len(column_units(layers))), np.nan, np.float32)
        features[:, : block.features.shape[1]] = block.features
        yield replace(block, features=features)


def _ntuple_blocks(source: str, geometry: Geometry, layers: LayerSettings) -> Iterator[ShardBlock]:
    for first_entry, muons in read_muons(source, geometry):
        yield block_of(muons, first_entry + np.arange(len(muons), dtype=np.int64), geometry, layers)


def block_of(muons: Muons, entry: NDArray[np.int64], geometry: Geometry, layers: LayerSettings) -> ShardBlock:
    """Return muons and their entries, shape (N,), with their features."""
    profiles = layer_profiles(muons.hits, muons.x_mm, muons.y_mm, geometry, layers)
    columns = (
        high_level_features(muons.hits, muons.x_mm, muons.y_mm, geometry),
        np.stack([muons.x_mm, muons.y_mm], axis=1),
        layer_summaries(profiles, layers),
    )
    return ShardBlock(
        features=np.concatenate(columns, axis=1),
        bucket=event_bucket(muons),
        entry=entry,
        targets={"energy": muons.energy_gev},
        truth={
            **{"x": muons.x_mm, "y": muons.y_mm, "charge": muons.charge.astype(np.float32)},
            **{name: getattr(muons, name) for name in LIMITS},
        },
        hits=muons.hits,
    )


def high_level_features(
    hits: CellHits, x_mm: NDArray[np.floating], y_mm: NDArray[np.floating], geometry: Geometry
) -> NDArray[np.float32]:
    """Compute the 28 features of every muon.

    Parameters
    ----------
    hits : CellHits
        Deposits of N muons in GeV, flat cells of ``geometry``.
    x_mm, y_mm : ndarray, shape (N,), mm
        Entry point, as a tracker would give it.
    geometry : Geometry
        Cells and field of the block.

    Returns
    -------
    ndarray, shape (N, 28), float32
        Columns ``features.FEATURE_NAMES``; ``emeas`` raw and signed. A ratio with a zero denominator is 0.

    Raises
    ------
    ValueError
        Numbers of muons differ, or a cell is outside the geometry.
    """
    if not len(hits) == len(x_mm) == len(y_mm):
        raise ValueError(f"{len(hits)} muons with hits but {len(x_mm)} x and {len(y_mm)} y of the entry point")
    if len(hits.cell) and int(hits.cell.max()) >= geometry.n_cells:
        raise ValueError(f"cell {hits.cell.max()} is outside geometry {geometry.name} of {geometry.n_cells} cells")
    features = np.empty((len(hits), len(FEATURE_NAMES)), dtype=np.float32)
    fill_features(
        hits.indptr,
        hits.cell,
        hits.energy,
        np.asarray(x_mm, dtype=np.float64),
        np.asarray(y_mm, dtype=np.float64),
        geometry.shape,
        (geometry.pitch_z_mm, geometry.pitch_x_mm, geometry.pitch_y_mm),
        geometry.field_tesla,
        features,
    )
    return features
