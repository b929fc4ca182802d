"""Images of the 5 x 5 and rows of the table, as the networks read them; no torch here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.scouting_egamma.feature_table import CELLS, FEATURE_NAMES, FEATURE_UNITS
from hitforge.studies.scouting_egamma.moments import LOG_OFFSET, log_weights
from hitforge.studies.scouting_egamma.settings import Image

if TYPE_CHECKING:
    from hitforge.scaling import Scaling

Floats = NDArray[np.float32]

N_CHANNELS: Final[dict[Image, int]] = {
    "ratios": 3, "emax": 1, "log_emax": 1, "log_weights": 1, "energies": 1, "off": 0,
}  # fmt: skip
CLIP = np.float32(5.0)
"""Standardised columns are cut at so many deviations."""

_LEAST_ENERGY_GEV = np.float32(0.01)
_CELL_PLACES = [FEATURE_NAMES.index(name) for name in CELLS]


def image_of(raw: Floats, kind: Image) -> Floats:
    """Return the image of candidates with all stored columns, shape (n, channels, 5, 5).

    ``ratios`` is E / E_5x5, max(0, 4.7 + ln(E / E_5x5)) / 4.7 and a mask of cells with energy; the others have one
    channel: E over that of the seed, ln(1 + E) over that of the seed, the logarithmic weight, or E in GeV.
    """
    cells = raw[:, _CELL_PLACES].reshape(-1, 5, 5)
    if kind == "energies":
        return np.ascontiguousarray(cells[:, None])
    if kind in ("ratios", "log_weights"):
        weights = log_weights(cells) / np.float32(LOG_OFFSET)
        if kind == "log_weights":
            return weights[:, None]
        share = _over(cells, cells.sum(axis=(1, 2)))
        return np.stack([share, weights, (cells > 0).astype(np.float32)], axis=1)
    values = cells if kind == "emax" else np.log1p(cells)
    return _over(values, values[:, 2, 2])[:, None]


def _over(values: Floats, total: Floats) -> Floats:
    return np.asarray(values / np.where(total > 0, total, np.float32(1))[:, None, None], dtype=np.float32)


def table_of(own: Floats, scaling: Scaling) -> Floats:
    """Return the standardised columns of a model, shape (n, F), 0 where a value is missing.

    Energies and momenta span decades: they become the logarithm of their ratio to the mean of the training folds.

    Parameters
    ----------
    own : ndarray, shape (n, F)
        Columns of the model's feature set.
    scaling : Scaling
        Of the same columns, from training folds.
    """
    columns = scaling.apply(own)
    for place, name in enumerate(scaling.names):
        if FEATURE_UNITS[name] == "GeV" and scaling.mean[place] > 0:
            energy = np.maximum(own[:, place], _LEAST_ENERGY_GEV)
            columns[:, place] = np.log(energy / np.float32(scaling.mean[place]))
    return np.clip(np.nan_to_num(columns, copy=False), -CLIP, CLIP)
