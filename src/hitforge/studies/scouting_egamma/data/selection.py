"""Which candidates have a target, which are well measured, and where a candidate lies in the detector.

Nothing else is cut before evaluation: candidates near gaps and dead channels are categories of their own. The cuts
on observable quantities are a choice for training; evaluation is shown with and without them. Cuts on the truth
(dE > -0.4, E > 0.85 E_MC) are computed to show what they remove, and are never applied to what is evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hitforge.inspection import Selection, apply_cuts
from hitforge.studies.scouting_egamma.data.candidates import Candidates
from hitforge.studies.scouting_egamma.features import columns_of

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]

CUT_NAMES: Final = ("all", "energy found", "energy in the 5 x 5")
"""Rows of the cut flow: without an energy there is no target."""

QUALITIES: Final = ("good", "gap", "dead channel")
"""Where a candidate lies: away from gaps and dead channels, near a gap, or with a dead channel in its 5 x 5."""

GAP_CRYSTALS: Final = 1.0
EE_ETA: Final = (1.566, 2.4)
EE_RADIUS: Final = (18.0, 46.0)
"""Crystals from the beam line."""


def select(candidates: Candidates) -> Selection:
    """Return which candidates have a target, shape (N,), and how many are left after each of :data:`CUT_NAMES`."""
    return apply_cuts(CUT_NAMES, len(candidates), lambda passed: decisions(candidates, passed))


def decisions(candidates: Candidates, _passed: Bools) -> Iterator[Bools]:
    """Yield the decision of each cut, shape (N,), in the order of :data:`CUT_NAMES`."""
    yield candidates["e_reco"] > 0
    yield np.asarray(candidates.matrix.sum(axis=(1, 2)) > 0)


def quality_of(features: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the index in :data:`QUALITIES` of events with all stored columns, shape (n,).

    A dead channel comes before a gap. Positions are the reconstructed ones.
    """
    f = columns_of(features)
    with np.errstate(invalid="ignore"):
        barrel = (f["d_sm"] > GAP_CRYSTALS) & (f["d_mod"] > GAP_CRYSTALS)
        endcap = _between(np.abs(f["eta"]), EE_ETA) & _between(f["radius"], EE_RADIUS)
    good = np.where(f["is_eb"] > 0, barrel, endcap)
    return np.where(f["dead"] > 0, 2, np.where(good, 0, 1)).astype(np.int64)


def observable_cuts(features: NDArray[np.float32]) -> dict[str, Bools]:
    """Return the cuts on observable quantities by name, shape (n,) each."""
    f = columns_of(features)
    return {
        "eMax/e3x3 < 1": f["e1x1_e3x3"] < 1,
        "e3x3/e5x5 > 0.5": f["e3x3_e5x5"] > 0.5,
        "r9 < 2": f["r9"] < 2,
        "sieie < 0.012 (EB), 0.035 (EE)": f["sieie"] < np.where(f["is_eb"] > 0, 0.012, 0.035),
    }


def passes_observable(features: NDArray[np.float32]) -> Bools:
    """Return which events pass all cuts on observable quantities, shape (n,)."""
    return np.asarray(np.logical_and.reduce(list(observable_cuts(features).values())))


def _between(values: Floats, limits: tuple[float, float]) -> Bools:
    return np.asarray((values > limits[0]) & (values < limits[1]))
