"""Figures of the chapter, in the order in which they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from hitforge.reporting.chapter import Figure, ReportInputs, in_order
from hitforge.reporting.training_figures import importances, loss_history, tuning_history
from hitforge.studies.scouting_egamma.report.binned_figures import (
    energy_fit,
    linearity,
    resolution_map,
    response_observed,
)
from hitforge.studies.scouting_egamma.report.cut_figures import cut_efficiency, cut_response
from hitforge.studies.scouting_egamma.report.data_figures import (
    detector_maps,
    generated,
    raw_response,
    response_gaps,
    shower_shapes,
)
from hitforge.studies.scouting_egamma.report.model_figures import permutation, tuning_parameters
from hitforge.studies.scouting_egamma.report.names import FIGURES
from hitforge.studies.scouting_egamma.report.plane_figures import energies, response_plane
from hitforge.studies.scouting_egamma.report.result_figures import pair_mass, resolution_eta, resolution_pt, response

MAKERS: tuple[Callable[[ReportInputs], Figure], ...] = (
    resolution_pt,
    resolution_eta,
    response,
    linearity,
    resolution_map,
    response_observed,
    energy_fit,
    pair_mass,
    generated,
    raw_response,
    response_plane,
    energies,
    response_gaps,
    detector_maps,
    shower_shapes,
    cut_response,
    cut_efficiency,
    partial(
        loss_history,
        loss="Loss",
        note="Losses of different models are different functions; a likelihood follows epochs of the relative loss.",
    ),
    partial(importances, least=1.0),
    permutation,
    partial(tuning_history, loss="Score"),
    tuning_parameters,
)


def all_figures(inputs: ReportInputs) -> Iterator[Figure]:
    """Return the figures of the chapter, one by one, in the order of :data:`names.FIGURES`."""
    return in_order(FIGURES, MAKERS, inputs)
