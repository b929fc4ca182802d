"""Resolution and bias in bins of the true energy, as a package quotes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitforge.evaluation.binned import Bin, BinnedNumbers

QUANTITIES = {
    "resolution": "resolution of the calorimeter, after the bias correction",
    "bias": "bias of the median, after the correction",
    "combined": "resolution of tracker and calorimeter together",
}


def resolution(metrics: Mapping[str, Any], sample: str) -> BinnedNumbers:
    """Return the numbers of the bins between the lowest and highest energy of the evaluation."""
    bins = [
        Bin("", each["low_gev"], each["high_gev"], {name: each[name] for name in QUANTITIES})
        for each in metrics["samples"][sample]["bins"]
    ]
    return BinnedNumbers("energy", "GeV", QUANTITIES, bins)
