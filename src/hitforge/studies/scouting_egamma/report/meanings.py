"""What figures call features and cuts: their symbols as papers print them instead of the names of columns."""

from __future__ import annotations

from typing import Final

from hitforge.studies.scouting_egamma.features import RATIOS

_SIDES: Final = {"B": "low φ", "L": "low η", "M": "max", "R": "high η", "T": "high φ"}
"""Of the seed crystal, where the energies of strips and neighbours are."""

_SUMS: Final[dict[str, str]] = {
    "e1x5": "$E_{1×5}$",
    "e3x3": "$E_{3×3}$",
    "e5x5": "$E_{5×5}$",
    "eMax": "$E_{seed}$",
    "e2nd": "$E_{2nd}$",
    **{f"e2x5{side}": f"$E_{{2×5}}$ ({words})" for side, words in _SIDES.items()},
    **{f"e{side}": f"$E$ ({words})" for side, words in _SIDES.items() if side != "M"},
}

_MEANINGS: Final[dict[str, str]] = {
    **_SUMS,
    **{name: f"{_SUMS[name.removesuffix('_e5x5')]} / $E_{{5×5}}$" for name in RATIOS},
    "e1x1_e5x5": "$E_{seed}$ / $E_{5×5}$",
    "e1x1_e3x3": "$E_{seed}$ / $E_{3×3}$",
    "e_reco": "$E_{reco}$",
    "raw_energy": "$E_{raw}$",
    "pse": "preshower energy",
    "pt": "$p_T$",
    "eta": "η",
    "phi": "φ",
    "ieta": "iη",
    "iphi": "iφ",
    "r9": "$R_9$",
    "sieie": "$σ_{iηiη}$",
    "sipip": "$σ_{iφiφ}$",
    "sieip": "$σ_{iηiφ}$",
    "detain": "Δη(track, cluster)",
    "dphiin": "Δφ(track, cluster)",
    "ooemoop": "1/E − 1/p",
    "fbrem": "$f_{brem}$",
    "trkpt": "$p_T$ of the track",
    "trketa": "η of the track",
    "trkphi": "φ of the track",
    "trkq": "charge of the track",
    "ln_e5x5": "ln $E_{5×5}$",
    "ln_pt": "ln $p_T$",
    "raw_e5x5": "$E_{raw}$ / $E_{5×5}$",
    "pse_raw": "preshower energy / $E_{raw}$",
    "asym_eta": "asymmetry in η",
    "asym_phi": "asymmetry in φ",
    "n_cells": "cells with energy",
    "d_sm": "distance to a supermodule gap",
    "d_mod": "distance to a module gap",
    "radius": "distance from the beam line",
    "module_place": "place in the module (iη)",
    "ieta_5": "iη mod 5",
    "iphi_2": "iφ mod 2",
    "iphi_20": "place in the supermodule (iφ)",
    "sin_phi": "sin φ",
    "cos_phi": "cos φ",
    "dead": "dead channel in the 5 × 5",
    "is_electron": "electron",
    "is_eb": "in EB",
}


def meaning_of(name: str) -> str:
    """Return the words for a feature, with mathematics as matplotlib reads it; for a cell of the 5 × 5 its name."""
    return _MEANINGS.get(name, name)


_CUT_SYMBOLS: Final = {name: _MEANINGS[name] for name in ("sieie", "eMax", "e3x3", "e5x5", "r9")}


def cut_in_words(name: str) -> str:
    """Return the words of a cut with symbols instead of names of columns, without what a panel's title says."""
    for column, symbol in _CUT_SYMBOLS.items():
        name = name.replace(column, symbol)
    return name.removesuffix(" (looks at the truth)")
