"""Figures of the chapter, in the order in which they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from hitforge.reporting.chapter import Figure, ReportInputs, in_order
from hitforge.reporting.training_figures import importances, learning_rate, loss_history, tuning_history
from hitforge.studies.csc_muon.report.class_figures import class_calibration, confusion, confusion_deck, coverage
from hitforge.studies.csc_muon.report.data_figures import (
    class_shares,
    feature_distributions,
    hit_images,
    missing_values,
    momentum,
)
from hitforge.studies.csc_muon.report.names import FIGURES
from hitforge.studies.csc_muon.report.resolution_figures import bias, charge, predictions, resolution
from hitforge.studies.csc_muon.report.threshold_figures import benchmark, decision, threshold_scan
from hitforge.studies.csc_muon.report.trigger_figures import (
    efficiency_map,
    rate,
    rate_eta,
    turn_on,
    turn_on_regions,
)

MAKERS: tuple[Callable[[ReportInputs], Figure], ...] = (
    turn_on,
    turn_on_regions,
    efficiency_map,
    rate,
    rate_eta,
    resolution,
    bias,
    charge,
    predictions,
    threshold_scan,
    decision,
    benchmark,
    confusion,
    confusion_deck,
    class_calibration,
    coverage,
    missing_values,
    feature_distributions,
    momentum,
    class_shares,
    hit_images,
    partial(loss_history, loss="Loss", note="Losses of different models are different functions."),
    learning_rate,
    importances,
    partial(tuning_history, loss="Score"),
)


def all_figures(inputs: ReportInputs) -> Iterator[Figure]:
    """Return the figures of the chapter, one by one, in the order of :data:`names.FIGURES`."""
    return in_order(FIGURES, MAKERS, inputs)
