"""What figures call the features: their meaning in a few words instead of the names of columns."""

from __future__ import annotations

from typing import Final

from hitforge.studies.csc_muon.data.planes import PLANES
from hitforge.studies.csc_muon.data.roads import BLOCKS
from hitforge.studies.csc_muon.features import PAIRS

_BLOCKS: Final = ("φ", "θ", "bend", "time", "ring", "front chamber", "no hit")
_SIDES: Final = {"": "", "_front": ", front", "_rear": ", rear"}

_MEANINGS: Final[dict[str, str]] = {
    **{
        f"{block}_{plane.name}": f"{words} in {plane.chamber}"
        for block, words in zip(BLOCKS, _BLOCKS, strict=True)
        for plane in PLANES
    },
    **{f"dphi_{pair}": f"Δφ, stations {pair[0]} and {pair[1]}" for pair in PAIRS},
    **{f"dtheta_{pair}": f"Δθ, stations {pair[0]} and {pair[1]}" for pair in PAIRS},
    "dphi_sum4": "sum of all Δφ",
    "dphi_sum4_abs": "sum of all |Δφ|",
    "dphi_sum3": "sum of Δφ without outlier",
    "dphi_sum3_abs": "sum of |Δφ| without outlier",
    "outlier_station": "outlier station",
    **{f"bend_{n}": f"bend in station {n}" for n in range(1, 5)},
    **{f"front_{n}": f"front chamber in station {n}" for n in range(1, 5)},
    **{f"rpc_{n}": f"RPC hit in station {n}" for n in range(1, 5)},
    "st1_ring2": "station 1 is ME1/2",
    "theta": "θ of the first hit",
    **{f"gem_bend{side}": f"φ(GE1/1) − φ(ME1/1){words}" for side, words in _SIDES.items()},
    **{f"me0_bend{side}": f"φ(ME0) − φ(ME1/1){words}" for side, words in _SIDES.items()},
    "fold_sign": "sign of the first Δφ",
    "n_hits": "planes with a hit",
    "mode": "mode (stations with a hit)",
    "pattern": "straightness − 4",
    "straightness": "straightness",
    "zone": "zone in |η|",
    "road_word3": "third word of the road",
}


def meaning_of(name: str) -> str:
    """Return the words for a feature; for an unknown one its name."""
    return _MEANINGS.get(name, name)
