"""Figures of the chapter, in the order in which they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from hitforge.reporting.chapter import Figure, ReportInputs, in_order
from hitforge.reporting.training_figures import importances, loss_history, tuning_history
from hitforge.studies.calo_muon.report.data_figures import feature_distributions, spectra
from hitforge.studies.calo_muon.report.event_display import event_displays
from hitforge.studies.calo_muon.report.information_figures import information
from hitforge.studies.calo_muon.report.names import FIGURES
from hitforge.studies.calo_muon.report.objective_figure import objectives
from hitforge.studies.calo_muon.report.resolution_figures import measured_resolution, resolution
from hitforge.studies.calo_muon.report.response_figures import calibration, linearity, responses
from hitforge.studies.calo_muon.report.transfer_figures import learning_curve, transfer

MAKERS: tuple[Callable[[ReportInputs], Figure], ...] = (
    information,
    objectives,
    transfer,
    learning_curve,
    measured_resolution,
    resolution,
    responses,
    linearity,
    calibration,
    spectra,
    event_displays,
    feature_distributions,
    partial(loss_history, loss="Loss", note="Each objective has a unit of its own."),
    partial(importances, least=1.0),
    partial(tuning_history, loss="Loss on the scoring fold"),
)


def all_figures(inputs: ReportInputs) -> Iterator[Figure]:
    """Return the figures of the chapter, one by one, in the order of :data:`names.FIGURES`."""
    return in_order(FIGURES, MAKERS, inputs)
