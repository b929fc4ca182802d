"""What a shard holds of a muon: 28 high-level features (arXiv:2107.02119), and our columns behind them.

Names and order of the 28 are those of the published files, including three labels that do not say what the column
holds: ``eclumax1``, ``ymom`` and ``xmom``; :data:`FEATURE_MEANINGS` says what is there.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hitforge.shards import ShardLayout
from hitforge.studies.calo_muon.data.geometry import Geometry, load_geometry
from hitforge.studies.calo_muon.data.muons import LIMITS
from hitforge.studies.calo_muon.settings import CaloModelSettings, LayerSettings

EMEAS_MAX_GEV: Final = 10_000.0
"""The curvature estimate is clipped here before scaling."""

_SEGMENTS = ("first", "second", "third", "fourth", "last")

_TABLE: Final[tuple[tuple[str, str, str], ...]] = (
    ("eabove", "GeV", "energy in cells above 0.1 GeV"),
    ("rmom", "mm", "length of the energy-weighted mean transverse offset from the entry point"),
    ("rmom1", "mm", "as rmom, only cells above 0.1 GeV"),
    ("r2m", "mm^2", "energy-weighted mean squared transverse distance from the entry point"),
    *((f"r2m{i + 1}", "mm^2", f"as r2m, in the {name} fifth of the layers") for i, name in enumerate(_SEGMENTS)),
    ("nclu", "", "number of clusters seeded in the track's column"),
    ("ncellmax", "cells", "largest cell count of these clusters"),
    ("eclumax", "GeV", "largest energy of these clusters"),
    ("maxdepthx", "cells", "largest extent of these clusters along x; a single cell has 0"),
    ("maxdepthy", "cells", "largest extent of these clusters along y"),
    ("maxdepthz", "cells", "largest extent of these clusters along z"),
    ("epercell", "GeV", "eclumax / ncellmax, which can come from different clusters"),
    ("avgcells", "cells", "mean cell count of these clusters"),
    ("nclu1", "", "number of clusters off the track's column"),
    ("ncellmax1", "cells", "largest cell count of the off-track clusters"),
    ("eclumax1", "GeV", "NOT a cluster energy: running maximum that maxsum replaced in the window search"),
    ("epercell1", "GeV", "largest energy of the off-track clusters / ncellmax1"),
    ("avgcells_off_trk", "cells", "mean cell count of the off-track clusters"),
    ("ymom", "GeV mm", "moment along x (the label is swapped): all cells plus cells above 0.1 GeV"),
    ("xmom", "GeV mm", "moment along y (the label is swapped): all cells plus cells above 0.1 GeV"),
    ("emeas", "GeV", "muon energy from the bending between the two halves; signed in shards, |.| clipped for models"),
    ("maxsum", "GeV", "largest 3 x 3 x 3 sum of cells at or below 0.1 GeV"),
    ("eb1", "GeV", "energy in cells at or below 0.01 GeV"),
    ("ea1", "GeV", "energy in cells above 0.01 and at or below 0.1 GeV"),
)

FEATURE_NAMES: Final[tuple[str, ...]] = tuple(row[0] for row in _TABLE)
"""Stored names in column order."""

FEATURE_UNITS: Final[dict[str, str]] = {name: unit for name, unit, _ in _TABLE}
"""Unit of each feature; empty for a number of clusters."""

FEATURE_MEANINGS: Final[dict[str, str]] = {name: meaning for name, _, meaning in _TABLE}
"""What each column really holds."""

_NOT_FILTERED = {
    "eabove", "ncellmax", "eclumax", "nclu1", "ncellmax1", "eclumax1", "epercell1", "maxsum", "ea1",
}  # fmt: skip

ENTRY_POINT: Final[dict[str, str]] = {"entry_x": "mm", "entry_y": "mm"}
"""Where the muon enters, as a tracker would tell: no feature of a model, but what its hits are laid out around."""

LARGEST_LAYERS: Final = 12
LAYER_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)


def summary_units(settings: LayerSettings) -> dict[str, str]:
    """Return the names and units of what ``data.layers.layer_summaries`` gives, in order."""
    rings = range(len(settings.rings_mm) + 1)
    return {
        **{f"layer_max_{i}": "GeV" for i in range(1, LARGEST_LAYERS + 1)},
        **{f"layer_q{100 * q:.0f}": "GeV" for q in LAYER_QUANTILES},
        **{f"cells_above_{1000 * edge:g}mev": "cells" for edge in settings.cell_thresholds_gev},
        **{f"ring_energy_{i}": "GeV" for i in rings},
        **{f"ring_log_{i}": "" for i in rings},
        "layer_sqrt": "GeV^0.5",
    }


def column_units(settings: LayerSettings) -> dict[str, str]:
    """Return the names and units of all columns that shards have for a muon, in order."""
    return FEATURE_UNITS | ENTRY_POINT | summary_units(settings)


def layout(*, geometry: str | Geometry, layers: LayerSettings) -> ShardLayout:
    """Features, entry point and layer summaries, sparse voxels, the energy as target, truth with oracles' bits."""
    columns = column_units(layers)
    return ShardLayout(
        feature_names=tuple(columns),
        feature_units=tuple(columns.values()),
        targets={"energy": "GeV"},
        truth={"x": "mm", "y": "mm", "charge": "e", **dict.fromkeys(LIMITS, "bit")},
        voxel_shape=load_geometry(geometry).shape,
    )


FEATURE_SETS: Final[dict[str, tuple[str, ...]]] = {
    "default": FEATURE_NAMES,
    "filtered": tuple(name for name in FEATURE_NAMES if name not in _NOT_FILTERED),
    "esum": ("eabove", "eb1", "ea1"),
}
"""Features of each mode of the ablation study (arXiv:2107.02119)."""


def feature_set(name: str, *, layers: LayerSettings) -> tuple[str, ...]:
    """Return the columns of a feature set: of the paper, ``layers`` (the 28 and the layer summaries), or none."""
    known = FEATURE_SETS | {"none": (), "layers": (*FEATURE_NAMES, *summary_units(layers))}
    if name not in known:
        raise ValueError(f"feature set {name!r} is not known; known: {', '.join(sorted(known))}")
    return known[name]


def clip_features(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a copy with ``emeas`` replaced by its magnitude, at most 10 TeV: done at load, before scaling.

    Parameters
    ----------
    features : ndarray, shape (N, F), float32
        Raw columns, the first 28 in the order of :data:`FEATURE_NAMES`.
    """
    clipped = features.copy()
    column = FEATURE_NAMES.index("emeas")
    clipped[:, column] = np.minimum(np.abs(clipped[:, column]), np.float32(EMEAS_MAX_GEV))
    return clipped


def visible_features(model: CaloModelSettings, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the columns as they are; an error if the model's layer summaries are not there."""
    if model.features == "layers" and np.isnan(features).any():
        raise ValueError(
            "features: layers needs layer summaries, which muons of fold files do not have: they lack the entry point; "
            "read the ROOT ntuples, or leave the models with these features out"
        )
    return features
