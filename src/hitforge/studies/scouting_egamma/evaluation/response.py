"""Scale, width and tails of the response E_corrected / E_MC in groups of candidates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.ordered import OrderedGroups
from hitforge.evaluation.statistics import Arrays, GroupShare, enough, group_of, plain
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample
from hitforge.studies.scouting_egamma.evaluation.settings import EvaluationSettings

_NORMAL_IQR = 1.3489795003921634
_ROUNDED_IQR = 1.349
N_CATEGORIES = len(CATEGORIES)
REGIONS: Final = ("core", "E_reco = E_5x5", "nothing found", "bad match")
"""Of the plane ((E_5x5 - E_MC)/E_MC, dE)."""

SELECTIONS = ("all", "good", "gap", "dead", "observable", "low_pt")
"""Candidates that numbers are given for: all, by quality, passing the observable cuts, and of low pT."""


def selection_masks(sample: EnergySample, settings: EvaluationSettings) -> dict[str, NDArray[np.bool_]]:
    """Return the candidates of each of :data:`SELECTIONS`, shape (n,) each."""
    low, high = settings.low_pt_gev
    masks = (
        np.ones(len(sample), dtype=bool),
        *(sample.quality == quality for quality in range(3)),
        sample.observable,
        (sample.gen_pt >= low) & (sample.gen_pt < high),
    )
    return dict(zip(SELECTIONS, masks, strict=True))


def selection_groups(sample: EnergySample, settings: EvaluationSettings) -> NDArray[np.int64]:
    """Return the category of the candidates in each selection, -1 outside, shape (selections, n)."""
    return np.stack([np.where(mask, sample.category, -1) for mask in selection_masks(sample, settings).values()])


def groups_in(first: NDArray[np.int64], *axes: tuple[Floats, Sequence[float]]) -> NDArray[np.int64]:
    """Return the flat index of (first, bin of each axis), -1 outside any, shape (n,); axes are values and edges."""
    flat, inside = first, np.ones(len(first), dtype=bool)
    for values, edges in axes:
        place = group_of(values, np.asarray(edges))
        flat, inside = flat * (len(edges) - 1) + place, inside & (place >= 0)
    return np.where(inside, flat, -1)


class Response:
    """Numbers of the response in groups; arrays have the shape given, NaN where a group has too few candidates.

    ``median``, ``sigma_eff`` (half the smallest interval with 68.3 %) and ``width`` = sigma_eff / median, ``riqr`` =
    (q75 - q25) / 1.349 / median, ``core`` (width of the Gaussian core / median), ``outside10`` and ``outside20``: the
    shares beyond 10 % and 20 %.
    """

    def __init__(
        self, response: Floats, groups: NDArray[np.int64], shape: tuple[int, ...], minimum: int, brief: bool = False
    ) -> None:
        self.reason = f"fewer than {minimum} candidates"
        self._shape, self._brief = shape, brief
        n = int(np.prod(shape))
        self._ordered = OrderedGroups(response, groups, n)
        self._enough = enough(groups, n, minimum)
        tails = {} if brief else {f"outside{limit}": np.abs(response - 1) > limit / 100 for limit in (10, 20)}
        self._tails = {name: GroupShare(beyond, groups, n) for name, beyond in tails.items()}

    def __call__(self, weights: Floats) -> Arrays:
        ordered = self._ordered.weighted(weights)
        median, sigma = ordered.median(), ordered.sigma_eff()
        found = {"median": median, "sigma_eff": sigma, "width": sigma / median}
        if not self._brief:
            found["riqr"] = (ordered.quantile(0.75) - ordered.quantile(0.25)) / _NORMAL_IQR / median
            found["core"] = ordered.core() / median
            found |= {name: share(weights) for name, share in self._tails.items()}
        return {name: np.where(self._enough, values, np.nan).reshape(self._shape) for name, values in found.items()}


class Selections:
    """The :class:`Response` of every selection, arrays of shape (selections, categories)."""

    def __init__(self, sample: EnergySample, settings: EvaluationSettings) -> None:
        make = partial(Response, shape=(N_CATEGORIES,), minimum=settings.min_per_bin)
        groups = selection_groups(sample, settings)
        self._each = [make(sample.response, group) for group in groups]
        # what the model says without the final calibration
        self._before = make(sample.uncalibrated, groups[0], brief=True)
        self.reason = self._before.reason

    def __call__(self, weights: Floats) -> Arrays:
        found = [each(weights) for each in self._each]
        stacked = {name: np.stack([arrays[name] for arrays in found]) for name in found[0]}
        before = self._before(weights)
        return {**stacked, "median_before": before["median"], "width_before": before["width"]}


def region_of(response: Floats, e5x5_response: Floats, sigma: float) -> NDArray[np.int64]:
    """Return the region 1 to 4 of :data:`REGIONS`, shape (n,).

    Nothing found comes first, then the core: a photon whose energy all lies in the 5 x 5 is on the line of region 2
    too, and well measured.

    Parameters
    ----------
    response, e5x5_response : ndarray, shape (n,)
        E_reco / E_MC and E_5x5 / E_MC.
    sigma : float
        Robust width of the response.
    """
    d, d5 = response - 1, e5x5_response - 1
    nothing = (d < -0.95) & (d5 < -0.95)
    core = (np.abs(d) <= 4 * sigma) & (e5x5_response > 0.6)
    return np.select([nothing, core, np.abs(d - d5) < 0.01], [3, 1, 2], 4).astype(np.int64)


def region_shares(sample: EnergySample) -> dict[str, dict[str, Any]]:
    """Return the share of the candidates in each of :data:`REGIONS`, (regions, categories), with binomial errors.

    ``before`` and ``after`` the correction; the widths of the core are those of the uncorrected response.
    """
    before = 1 / sample.y_true
    low, high = np.quantile(before, [0.25, 0.75]) if len(sample) else (np.nan, np.nan)
    found = {}
    for when, response in (("before", before), ("after", sample.response)):
        region = region_of(response, sample.observed["e5x5_response"], (high - low) / _ROUNDED_IQR)
        share, error = np.zeros((2, len(REGIONS), N_CATEGORIES))
        for c in range(N_CATEGORIES):
            own = region[sample.category == c]
            for number in range(len(REGIONS)):
                p = float(np.mean(own == number + 1)) if len(own) else 0.0
                share[number, c], error[number, c] = p, np.sqrt(p * (1 - p) / max(len(own), 1))
        found[when] = {"value": plain(share), "error": plain(error), "reason": None}
    return found
