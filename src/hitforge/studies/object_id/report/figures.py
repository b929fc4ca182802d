"""Figures of the chapter, in the order in which they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from hitforge.reporting.chapter import Figure, ReportInputs, in_order
from hitforge.reporting.training_figures import importances, loss_history, tuning_history
from hitforge.studies.object_id.report.data_figures import accuracy_history, kinematics
from hitforge.studies.object_id.report.image_figures import (
    event_displays,
    example_images,
    mean_images,
    misclassified,
    occlusion,
)
from hitforge.studies.object_id.report.names import FIGURES
from hitforge.studies.object_id.report.result_figures import (
    confusion,
    recall,
    reliability,
    roc_pairs,
    roc_rest,
    scores,
)

MAKERS: tuple[Callable[[ReportInputs], Figure], ...] = (
    confusion,
    roc_pairs,
    roc_rest,
    recall,
    reliability,
    scores,
    misclassified,
    occlusion,
    mean_images,
    example_images,
    event_displays,
    kinematics,
    accuracy_history,
    partial(loss_history, loss="Loss", note="Losses of different kinds cannot be compared."),
    importances,
    partial(tuning_history, loss="Score"),
)


def all_figures(inputs: ReportInputs) -> Iterator[Figure]:
    """Return the figures of the chapter, one by one, in the order of :data:`names.FIGURES`."""
    return in_order(FIGURES, MAKERS, inputs)
