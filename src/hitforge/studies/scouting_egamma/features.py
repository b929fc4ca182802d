"""What models read and learn: names, units and sets of the stored columns, the range of the correction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.scouting_egamma.data.candidates import TRACK

if TYPE_CHECKING:
    from hitforge.shards import ShardLayout

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

Y_RANGE: Final = (0.2, 2.0)
"""Corrections y = E_MC / E_reco are learnt and predicted within this range, as in the CMS trainer; true ones are never
clipped."""


def layout() -> ShardLayout:
    """The 5 x 5, cluster, track and derived features; E_MC / E_reco; what the evaluation bins and selects by."""
    # the Snakefile imports this module with the settings, and needs no HDF5
    from hitforge.shards import ShardLayout

    return ShardLayout(
        feature_names=FEATURE_NAMES,
        feature_units=tuple(FEATURE_UNITS[name] for name in FEATURE_NAMES),
        targets={"y": ""},
        truth={
            "gen_pt": "GeV", "gen_eta": "", "gen_phi": "rad", "candidate_pt": "GeV", "candidate_abs_eta": "",
            "category": "", "quality": "", "observable": "", "weight": "",
            "e5x5_response": "", "candidate_r9": "", "candidate_fbrem": "", "supermodule_place": "crystals",
        },
    )  # fmt: skip


def feature_set(name: str) -> tuple[str, ...]:
    """Return the columns of a feature set."""
    return FEATURE_SETS[name]


def columns_of(features: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
    """Return the stored columns, shape (n, F), by name."""
    return dict(zip(FEATURE_NAMES, features.T, strict=True))


def clipped(y: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return corrections cut to :data:`Y_RANGE`, shape (n,)."""
    return np.asarray(np.clip(y, *Y_RANGE))
