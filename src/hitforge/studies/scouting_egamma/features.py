"""Names, units and sets of the stored columns; free of torch and XGBoost."""

from __future__ import annotations

from typing import Final

from hitforge.studies.scouting_egamma.candidates import TRACK

CELLS: Final = tuple(f"cell_{row}{column}" for row in range(5) for column in range(5))
"""The 5 x 5, row-major in eta, then phi: ``cell_22`` is the seed crystal."""

SUMS: Final = (
    *("e1x5", "e2nd", "e2x5B", "e2x5L", "e2x5M", "e2x5R", "e2x5T", "e3x3", "e5x5"),
    *("eB", "eL", "eMax", "eR", "eT"),
)
SHAPES: Final = ("r9", "sieie", "sipip", "sieip")
CLUSTER_COLUMNS: Final = ("e_reco", "raw_energy", "pse", "pt", "eta", "phi", "ieta", "iphi")

RATIOS: Final = tuple(f"{name}_e5x5" for name in SUMS if name not in ("eMax", "e5x5"))
SCALE_FREE: Final = (
    *("e1x1_e5x5", "e1x1_e3x3", *RATIOS),
    *("ln_e5x5", "ln_pt", "raw_e5x5", "pse_raw", "asym_eta", "asym_phi", "n_cells"),
)
PLACE: Final = ("d_sm", "d_mod", "radius", "module_place", "ieta_5", "iphi_2", "iphi_20", "sin_phi", "cos_phi")
FLAGS: Final = ("dead", "is_electron", "is_eb")

FEATURE_NAMES: Final[tuple[str, ...]] = (
    *CELLS, *CLUSTER_COLUMNS, *SUMS, *SHAPES, *TRACK, *SCALE_FREE, *PLACE, *FLAGS,
)  # fmt: skip

_GEV = {*CELLS, *SUMS, "e_reco", "raw_energy", "pse", "pt", "trkpt"}
_UNITS = dict.fromkeys(_GEV, "GeV") | {
    "phi": "rad", "trkphi": "rad", "dphiin": "rad", "ooemoop": "1/GeV", "d_sm": "crystals", "d_mod": "crystals",
    "radius": "crystals",
}  # fmt: skip
FEATURE_UNITS: Final[dict[str, str]] = {name: _UNITS.get(name, "") for name in FEATURE_NAMES}

_SEED_ECAL = (
    *("e1x5", "e2nd", "e2x5B", "e2x5L", "e2x5M", "e2x5R", "e2x5T", "e5x5", "eB", "eL", "eR", "eT", "eMax"),
    *("eta", "ieta", "iphi", "phi", "pse", "pt", "r9", "sieie"),
)
_OURS_ECAL = (*SCALE_FREE, *SHAPES, *PLACE, "eta")
FEATURE_SETS: Final[dict[str, tuple[str, ...]]] = {
    "default": (),
    "none": (),
    # the seed's; photons have no track, which leaves ECAL alone
    "seed": (*_SEED_ECAL, *TRACK),
    "seed_ecal": _SEED_ECAL,
    # for networks: angles by sine and cosine, and flags, for one network serves all categories
    "seed_network": (
        *(name for name in (*_SEED_ECAL, *TRACK) if name not in ("phi", "trkphi")),
        *("sin_phi", "cos_phi", *FLAGS[1:]),
    ),
    # what CMS's own regression reads, as far as the scouting data have it
    "cms": (
        *("raw_energy", "r9", "e1x1_e5x5", "e2nd_e5x5", "raw_e5x5", "pse_raw", "asym_eta", "asym_phi"),
        *("sieie", "sipip", "sieip", "n_cells", "eta", "ieta", "iphi", *FLAGS[1:]),
    ),
    "ours": (*_OURS_ECAL, *TRACK, *FLAGS[1:]),
    "ours_ecal": (*_OURS_ECAL, *FLAGS[1:]),
    "ours_no_place": (*SCALE_FREE, *SHAPES, "eta", *TRACK, *FLAGS[1:]),
    "ours_no_ratios": (*SHAPES, *PLACE, "eta", "ln_e5x5", "ln_pt", "raw_e5x5", "pse_raw", *TRACK, *FLAGS[1:]),
}
"""Columns by set name. The flags tell a model of all categories which one it has."""
