"""Width and bias of the response in bins of the true transverse momentum, as a package quotes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hitforge.evaluation.binned import BinnedNumbers, bins_of, shifted

QUANTITIES = {
    "resolution": "effective width of E_corrected / E_MC over its median",
    "bias": "median of E_corrected / E_MC minus one",
}


def resolution(metrics: Mapping[str, Any], sample: str) -> BinnedNumbers:
    """Return the numbers of each category of candidates in bins of pT."""
    response, edges = metrics["samples"][sample]["response_pt"], metrics["settings"]["pt_edges_gev"]
    numbers = {"resolution": response["width"], "bias": response["median"]}
    bins = [
        replace(each, numbers={**each.numbers, "bias": shifted(each.numbers["bias"], -1.0)})
        for c, category in enumerate(metrics["axes"]["categories"])
        for each in bins_of(category, edges, numbers, c)
    ]
    return BinnedNumbers("pT", "GeV", QUANTITIES, bins)
