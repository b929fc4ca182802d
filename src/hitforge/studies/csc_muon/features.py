"""Names, units and named sets of the features: the raw columns of a road and what is derived from them.

No set holds the generator's phi or eta: they are not among the columns to choose from.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

from hitforge.studies.csc_muon.data.planes import CSC_PLANES, PHI_UNIT, PLANE_NAMES, THETA_UNIT
from hitforge.studies.csc_muon.data.roads import BLOCK_UNITS, BLOCKS, TRUTH, VARIABLE_NAMES

if TYPE_CHECKING:
    from hitforge.shards import ShardLayout

PAIRS: Final[tuple[str, ...]] = tuple(f"{a}{b}" for a, b in combinations("1234", 2))
"""Pairs of stations: 12, 13, 14, 23, 24, 34."""

SIGN: Final = "fold_sign"
"""Sign of the first known dPhi; odd features and, in the models, q/pT are multiplied by it."""

_DERIVED: Final[tuple[tuple[str, str, str], ...]] = (
    (SIGN, "", "sign of the first known of dPhi 12, 13, 14, 23, 24, 34; not an input but the key to the charge"),
    *((f"dphi_{ab}", PHI_UNIT, f"phi of station {ab[0]} minus phi of station {ab[1]}, folded") for ab in PAIRS),
    *((f"dtheta_{ab}", THETA_UNIT, f"theta of station {ab[0]} minus theta of station {ab[1]}") for ab in PAIRS),
    ("dphi_sum4", PHI_UNIT, "sum of the six dPhi, folded"),
    ("dphi_sum4_abs", PHI_UNIT, "sum of the magnitudes of the six dPhi"),
    ("dphi_sum3", PHI_UNIT, "as dphi_sum4, without the outlier station, folded"),
    ("dphi_sum3_abs", PHI_UNIT, "as dphi_sum4_abs, without the outlier station"),
    ("outlier_station", "", "station whose dPhi are 1.5 times those of the others, 0 for none"),
    *((f"bend_{n}", "", f"bend of the CSC hit in station {n}, folded") for n in range(1, 5)),
    *((f"front_{n}", "", f"1 where the CSC hit in station {n} is in a front chamber") for n in range(1, 5)),
    ("st1_ring2", "", "0: station 1 is ME1/1, 1: it is ME1/2"),
    ("theta", THETA_UNIT, "theta of the first hit among ME2, ME3, ME4, ME1/1, ME1/2"),
    *((f"rpc_{n}", "", f"1 where phi of station {n} is that of an RPC") for n in range(1, 5)),
    *(
        (f"{name}_bend{side}", PHI_UNIT, f"{meaning}, folded{where}")
        for name, meaning in (("gem", "phi of GE1/1 minus phi of ME1/1"), ("me0", "phi of ME0 minus phi of ME1/1"))
        for side, where in (("", ""), ("_front", ", ME1/1 front only"), ("_rear", ", ME1/1 rear only"))
    ),
    ("n_hits", "planes", "planes with a hit"),
    ("mode", "", "8 S1 + 4 S2 + 2 S3 + S4"),
    ("pattern", "", "straightness minus 4, folded"),
)

DERIVED_NAMES: Final[tuple[str, ...]] = tuple(row[0] for row in _DERIVED)

FEATURE_NAMES: Final[tuple[str, ...]] = (*VARIABLE_NAMES, *DERIVED_NAMES)
"""Stored columns: the 87 of a road as they are, then the derived ones."""

FEATURE_UNITS: Final[dict[str, str]] = {
    **{f"{block}_{plane}": BLOCK_UNITS[block] for block in BLOCKS for plane in PLANE_NAMES},
    **dict.fromkeys(("straightness", "zone", "road_word3"), ""),
    **{name: unit for name, unit, _ in _DERIVED},
}
"""Unit of each column; empty for numbers. That of ``road_word3`` depends on its meaning."""

DERIVED_MEANINGS: Final[dict[str, str]] = {name: meaning for name, _, meaning in _DERIVED}

_WORDS = ("straightness", "zone", "road_word3")
_FOUR = ("me11", "me2", "me3", "me4")
_CSC = tuple(PLANE_NAMES[plane] for plane in CSC_PLANES)
_GEM = tuple(f"{name}_bend{side}" for name in ("gem", "me0") for side in ("", "_front", "_rear"))
_MASKS = tuple(f"mask_{plane}" for plane in PLANE_NAMES)
_EMTF = (*(name for name in DERIVED_NAMES if name != SIGN), "zone", *_MASKS)


def _columns(blocks: tuple[str, ...], planes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{block}_{plane}" for block in blocks for plane in planes)


def _dphi(*pairs: str) -> tuple[str, ...]:
    return tuple(f"dphi_{ab}" for ab in pairs)


_SUMS = ("dphi_sum4", "dphi_sum4_abs", "dphi_sum3", "dphi_sum3_abs", "outlier_station")

FEATURE_SETS: Final[dict[str, tuple[str, ...]]] = {
    # the deck's: rows with all four planes
    "seed23": (*_columns(("phi", "theta", "bend", "ring", "fr"), _FOUR), *_WORDS),
    "seed19": (*_columns(("phi", "theta", "bend", "fr"), _FOUR), *_WORDS),
    # the article's 35 CSC columns and road words, without the generated phi and eta that it adds
    "raw35": (*_columns(BLOCKS, _CSC), *_WORDS),
    "emtf": _EMTF,
    "emtf_no_bend": tuple(name for name in _EMTF if name not in {f"bend_{n}" for n in range(1, 5)}),
    "emtf_no_gem": tuple(name for name in _EMTF if name not in {*_GEM, "mask_ge11", "mask_ge21", "mask_me0"}),
    "emtf_raw_phi": (
        *_columns(("phi", "theta"), PLANE_NAMES),
        *(
            name
            for name in _EMTF
            if not name.startswith(("dphi_", "dtheta_")) and name not in {*_GEM, "outlier_station"}
        ),
    ),
    "emtf_no_straightness": tuple(name for name in _EMTF if name != "pattern"),
    # inputs of the hardware's trees, one set for each mode (stations 1234, 123, 124, 134)
    "mode15": (
        *("theta", "st1_ring2", *_dphi("12", "23", "34", "13", "14", "24"), "front_1", "bend_1"),
        *(*_SUMS, "dtheta_14", "rpc_1", "rpc_2", "rpc_3", "rpc_4"),
    ),
    "mode14": (
        *("theta", "st1_ring2", *_dphi("12", "23", "13"), "front_1", "front_2", "bend_1", "dtheta_13"),
        *("rpc_1", "rpc_2", "rpc_3"),
    ),
    "mode13": (
        *("theta", "st1_ring2", *_dphi("12", "24", "14"), "front_1", "front_2", "bend_1", "dtheta_14"),
        *("rpc_1", "rpc_2", "rpc_4"),
    ),
    "mode11": (
        *("theta", "st1_ring2", *_dphi("34", "13", "14"), "front_1", "front_3", "bend_1", "dtheta_14"),
        *("rpc_1", "rpc_3", "rpc_4"),
    ),
}
# what the hardware's trees see in any mode: one model for all, with missing values
FEATURE_SETS["hardware"] = tuple(
    dict.fromkeys(name for mode in ("mode15", "mode14", "mode13", "mode11") for name in FEATURE_SETS[mode])
)
"""Columns by set name."""


def feature_set(name: str) -> tuple[str, ...]:
    """Return the columns of a feature set."""
    return FEATURE_SETS[name]


def layout() -> ShardLayout:
    """Return what shards hold: columns of roads and what is derived; q/pT; what the evaluation bins and selects by."""
    from hitforge.shards import ShardLayout  # only a stage that has shards needs HDF5

    return ShardLayout(
        feature_names=FEATURE_NAMES,
        feature_units=tuple(FEATURE_UNITS[name] for name in FEATURE_NAMES),
        targets={"q_over_pt": "1/GeV"},
        truth={name: truth.unit for name, truth in TRUTH.items()},
    )
