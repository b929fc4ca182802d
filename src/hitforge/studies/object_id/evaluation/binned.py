"""Efficiency of each class in bins of the transverse momentum: what a classifier has in place of a resolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitforge.evaluation.binned import BinnedNumbers, bins_of

QUANTITIES = {"efficiency": "share of the objects of a class that the model calls so"}


def resolution(metrics: Mapping[str, Any], sample: str) -> BinnedNumbers:
    """Return the efficiency of each class in bins of pT."""
    numbers = {"efficiency": metrics["samples"][sample]["recall_pt"]["recall"]}
    bins = [
        each
        for c, name in enumerate(metrics["axes"]["classes"])
        for each in bins_of(name, metrics["axes"]["pt"], numbers, c)
    ]
    return BinnedNumbers("pT", "GeV", QUANTITIES, bins)
