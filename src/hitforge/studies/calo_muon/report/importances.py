"""The importances of the features, called by their meaning."""

from __future__ import annotations

from hitforge.reporting import training_figures
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.studies.calo_muon.report.meanings import meaning_of


def importances(inputs: ReportInputs) -> Figure:
    """Importances of the leading features of the tree models."""
    return training_figures.importances(inputs, lambda name: meaning_of(name, inputs.settings["layers"]))
