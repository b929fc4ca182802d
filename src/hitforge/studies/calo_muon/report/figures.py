"""Figures of the chapter, in the order in which they are written."""

from __future__ import annotations

from collections.abc import Iterator

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.studies.calo_muon.report.data_figures import feature_distributions, spectra
from hitforge.studies.calo_muon.report.event_display import event_displays
from hitforge.studies.calo_muon.report.names import FIGURES
from hitforge.studies.calo_muon.report.resolution_figures import (
    bias,
    combined_resolution,
    mean_improvement,
    resolution,
)
from hitforge.studies.calo_muon.report.response_figures import calibration, linearity
from hitforge.studies.calo_muon.report.training_figures import (
    importances,
    learning_rate,
    loss_history,
    tuning_history,
)

MAKERS = (
    mean_improvement,
    resolution,
    combined_resolution,
    bias,
    linearity,
    calibration,
    spectra,
    event_displays,
    feature_distributions,
    loss_history,
    learning_rate,
    importances,
    tuning_history,
)


def all_figures(inputs: ReportInputs) -> Iterator[Figure]:
    """Yield the figures of the chapter, in the order of :data:`names.FIGURES`."""
    for name, make in zip(FIGURES, MAKERS, strict=True):
        figure = make(inputs)
        assert figure.name == name
        yield figure
