"""Resolution and bias in bins of the true transverse momentum, as a package quotes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitforge.evaluation.binned import BinnedNumbers, bins_of

QUANTITIES = {
    "sigma_eff": "relative error of 1/pT: half the smallest interval with 68.3 %",
    "core": "the same: width of the Gaussian core",
    "bias": "the same: median",
}


def resolution(metrics: Mapping[str, Any], sample: str) -> BinnedNumbers:
    """Return the numbers in bins of pT."""
    numbers = metrics["samples"][sample]["resolution_pt"]
    edges = metrics["settings"]["pt_edges_gev"]
    return BinnedNumbers("pT", "GeV", QUANTITIES, bins_of("", edges, {name: numbers[name] for name in QUANTITIES}))
