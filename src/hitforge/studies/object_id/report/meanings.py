"""What figures call the features: their meaning in a few words instead of the names of columns."""

from __future__ import annotations

from typing import Final

from hitforge.studies.object_id.data.objects import CHANNELS

_CHANNELS: Final = {"em": "EM", "had": "hadronic"}
_EACH: Final[dict[str, str]] = {
    "sum": "energy",
    "n_cells": "cells with energy",
    "max": "largest cell",
    "max_frac": "share of the largest cell",
    "second_frac": "share of the second cell",
    "w_eta": "width in η",
    "w_phi": "width in φ",
    "w_R": "width",
    "skew_eta": "|skewness| in η",
    "skew_phi": "|skewness| in φ",
    "pTD": "$p_T^D$",
    "offset_eta": "|mean η|",
    "offset_phi": "|mean φ|",
    "n_maxima": "local maxima",
}
_MEANINGS: Final[dict[str, str]] = {
    **{f"{name}_{c}": f"{words}, {_CHANNELS.get(c, c)}" for c in CHANNELS for name, words in _EACH.items()},
    "ln_T": "ln of the energy in the image",
    "em_frac": "EM share of the energy",
    "R_had": "hadronic over EM energy",
    "ring_01": "share within ΔR < 0.1",
    "ring_12": "share in 0.1 < ΔR < 0.2",
    "ring_24": "share in 0.2 < ΔR < 0.4",
    "eccentricity": "eccentricity",
    "tau21": "$τ_{21}$",
    "tau32": "$τ_{32}$",
    "axis_distance": "distance of EM and hadronic axis",
    "R_eta": "$R_η$",
    "R_phi": "$R_φ$",
    "w_s3": "$w_{s3}$",
    "abs_eta": "|η|",
}


def meaning_of(name: str) -> str:
    """Return the words for a feature; for an unknown one its name."""
    return _MEANINGS.get(name, name)
