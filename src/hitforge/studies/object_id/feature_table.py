"""Names, units and sets of the features: known before the first event, free of heavy imports."""

from __future__ import annotations

from typing import Final

from hitforge.studies.object_id.objects import CHANNELS

_TOTAL: Final = {
    "ln_T": "ln GeV",
    "em_frac": "",
    "R_had": "",
    "ring_01": "",
    "ring_12": "",
    "ring_24": "",
    "eccentricity": "",
    "tau21": "",
    "tau32": "",
    "axis_distance": "",
    "R_eta": "",
    "R_phi": "",
    "w_s3": "",
}
_EACH: Final = {
    "sum": "GeV",
    "n_cells": "",
    "max": "GeV",
    "max_frac": "",
    "second_frac": "",
    "w_eta": "",
    "w_phi": "rad",
    "w_R": "",
    "skew_eta": "",
    "skew_phi": "",
    "pTD": "",
    "offset_eta": "",
    "offset_phi": "rad",
    "n_maxima": "",
}
_SHOWERS: Final = _TOTAL | {f"{name}_{c}": unit for c in CHANNELS for name, unit in _EACH.items()}
FEATURE_UNITS: Final = _SHOWERS | {"abs_eta": ""}
"""Unit of each feature that is stored behind the cells; "" for a number or a distance in eta."""

HIGH_LEVEL: Final = tuple(_SHOWERS)
"""The features made of the image."""

FEATURE_SETS: Final = {
    "default": HIGH_LEVEL,
    "with_eta": (*HIGH_LEVEL, "abs_eta"),
    "energy": ("ln_T",),
    "none": (),
}
"""Columns of each named feature set; networks on images read the cells besides."""
