"""What tables and figures of the chapter look up: models that are shown together, and their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hitforge.published import PublishedResult
from hitforge.reporting.chapter import Measured, ReportInputs
from hitforge.reporting.metrics import cell, difference, metrics_of
from hitforge.studies.csc_muon.evaluation.resolution import POINTS_GEV


class Quantity(NamedTuple):
    """A headline number: what it is called, its unit, and where it stands in the metrics, if it does."""

    title: str
    unit: str
    block: str = ""
    key: str = ""
    place: tuple[int, ...] = ()


QUANTITIES = {
    "accuracy": Quantity("accuracy, 4 classes", "%", "classes", "accuracy"),
    "rmse_q_over_pt": Quantity("RMSE q/pT", "1/GeV", "q_over_pt", "rmse"),
    "rmse_inverse_pt": Quantity("RMSE 1/pT", "1/GeV", "inverse_pt", "rmse"),
    "rate_reduction": Quantity("rate reduction", ""),
    "charge_misid": Quantity("wrong charge", "%", "charge", "total"),
    "median_20gev": Quantity("median |ΔpT|/pT at 20 GeV", "%", "points", "median", (POINTS_GEV.index(20.0),)),
}
"""Headline numbers, fractions in percent."""


def headline_of(inputs: ReportInputs, model: str) -> dict[str, Measured]:
    """Return the headline numbers of a model on the shown sample; none if it was not evaluated."""
    metrics = metrics_of(inputs).get(model)
    if metrics is None:
        return {}
    return {name: _number(inputs, model, metrics, name) for name in QUANTITIES}


def _number(inputs: ReportInputs, model: str, metrics: Mapping[str, Any], name: str) -> Measured:
    quantity = QUANTITIES[name]
    if not quantity.block:
        return difference(inputs, model, inputs.settings["evaluation"]["rate_reference"], name, absent="not compared")
    if quantity.block not in metrics:
        # only a model that does not know the charge has not all of them
        return Measured(value=None, reason=metrics["absent"]["q_over_pt"])
    number = metrics[quantity.block][quantity.key]
    return cell(number, *quantity.place, scale=100.0 if quantity.unit == "%" else 1.0)


def main_models(inputs: ReportInputs) -> list[str]:
    """Return the models without ablations, each of which is the variant of another."""
    return [model for model in inputs.metrics if inputs.base_of(model) is None]


def published_cell(result: PublishedResult | None, percent: bool = False) -> Measured | None:
    """Return a published value with the decimals that were printed; a fraction in percent where asked for."""
    if result is None or result.value is None or result.decimals is None:
        return None
    if percent:
        return Measured(value=100.0 * result.value, decimals=result.decimals - 2)
    return Measured(value=result.value, decimals=result.decimals)
