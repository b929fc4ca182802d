"""What figures call the features: their meaning in a few words instead of the published labels."""

from __future__ import annotations

import re
from typing import Final

_SEGMENTS: Final = ("first", "second", "third", "fourth", "last")
_MEANINGS: Final[dict[str, str]] = {
    "eabove": "energy in cells above 0.1 GeV",
    "ea1": "energy in cells of 0.01 to 0.1 GeV",
    "eb1": "energy in cells below 0.01 GeV",
    "rmom": "mean transverse offset",
    "rmom1": "mean transverse offset, cells above 0.1 GeV",
    "r2m": "mean squared distance",
    **{f"r2m{i + 1}": f"mean squared distance, {name} fifth" for i, name in enumerate(_SEGMENTS)},
    "nclu": "clusters on the track",
    "ncellmax": "cells of the largest cluster on the track",
    "eclumax": "largest cluster energy on the track",
    "maxdepthx": "largest extent of a cluster in x",
    "maxdepthy": "largest extent of a cluster in y",
    "maxdepthz": "largest extent of a cluster in z",
    "epercell": "energy per cell, clusters on the track",
    "avgcells": "mean cells of a cluster on the track",
    "nclu1": "clusters off the track",
    "ncellmax1": "cells of the largest cluster off the track",
    "eclumax1": "running maximum of the window search",
    "epercell1": "energy per cell, clusters off the track",
    "avgcells_off_trk": "mean cells of a cluster off the track",
    "ymom": "moment in x",
    "xmom": "moment in y",
    "emeas": "energy from the bending of the track",
    "maxsum": "largest sum of 3 × 3 × 3 soft cells",
    "layer_sqrt": "sum of the roots of the layers' energies",
}
_NUMBERED: Final = (
    (r"layer_max_(\d+)", r"energy of the layer of rank \1"),
    (r"layer_q(\d+)", r"quantile \1 % of the layers' energies"),
    (r"cells_above_([\d.]+)mev", r"cells above \1 MeV"),
    (r"ring_energy_(\d+)", r"energy in ring \1"),
    (r"ring_log_(\d+)", r"mean ln of a layer's energy in ring \1"),
)


def meaning_of(name: str) -> str:
    """Return the words for a feature; for an unknown one its name."""
    for pattern, words in _NUMBERED:
        if found := re.fullmatch(pattern, name):
            return found.expand(words)
    return _MEANINGS.get(name, name)
