"""Mass of electron pairs of a Z, with the responses of the sample (decision of the study: m = m_BW sqrt(r1 r2))."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.ordered import OrderedGroups
from hitforge.evaluation.statistics import Arrays
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample

Z_MASS_GEV, Z_WIDTH_GEV = 91.1876, 2.4952
MASS_RANGE_GEV = (60.0, 120.0)
_ELECTRONS = (CATEGORIES.index("EB electron"), CATEGORIES.index("EE electron"))
PAIRS = ("EB-EB", "not EB-EB")


class PairMass:
    """Peak (``median``) and width (``sigma_eff``, GeV) of the mass in :data:`MASS_RANGE_GEV`, by region of the pair.

    Pairs are drawn once, from electrons of the sample in a random order; a pair has the product of the weights of
    its two electrons, so that it takes part in the bootstrap.

    Attributes
    ----------
    mass : ndarray, shape (pairs,), GeV
    group : ndarray, shape (pairs,)
        Index in :data:`PAIRS`, -1 outside the range.
    """

    reason = "fewer than 50 pairs"

    def __init__(self, sample: EnergySample, generator: np.random.Generator) -> None:
        electrons = generator.permutation(np.flatnonzero(np.isin(sample.category, _ELECTRONS)))
        half = len(electrons) // 2
        self._first, self._second = electrons[:half], electrons[half : 2 * half]
        natural = Z_MASS_GEV + 0.5 * Z_WIDTH_GEV * np.tan(np.pi * (generator.random(half) - 0.5))
        product = sample.response[self._first] * sample.response[self._second]
        self.mass = np.maximum(natural, 0) * np.sqrt(product)
        barrel = sample.category == _ELECTRONS[0]
        region = np.where(barrel[self._first] & barrel[self._second], 0, 1)
        low, high = MASS_RANGE_GEV
        self.group: NDArray[np.int64] = np.where((self.mass > low) & (self.mass < high), region, -1)
        self._ordered = OrderedGroups(self.mass, self.group, len(PAIRS))
        self._enough = np.bincount(self.group[self.group >= 0], minlength=len(PAIRS)) >= 50

    def __call__(self, weights: Floats) -> Arrays:
        ordered = self._ordered.weighted(weights[self._first] * weights[self._second])
        return {
            name: np.where(self._enough, values, np.nan)
            for name, values in (("median", ordered.median()), ("sigma_eff", ordered.sigma_eff()))
        }
