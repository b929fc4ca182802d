"""Tables of the chapter, in the order in which they are written."""

from __future__ import annotations

from collections.abc import Sequence

from hitforge.reporting.chapter import ReportInputs, Table
from hitforge.reporting.part_tables import bad_parts, cut_flow, selection
from hitforge.reporting.training_tables import models, training, tuning
from hitforge.studies.object_id.report.aims import aims
from hitforge.studies.object_id.report.data_tables import class_counts, image_scores, sweep
from hitforge.studies.object_id.report.names import TABLES
from hitforge.studies.object_id.report.result_tables import (
    auc,
    calibration,
    class_report,
    differences,
    headline,
    rejections,
)


def all_tables(inputs: ReportInputs) -> Sequence[Table]:
    """Return the tables of the chapter, in the order of :data:`names.TABLES`."""
    made = (
        headline(inputs),
        aims(inputs),
        differences(inputs),
        class_report(inputs),
        auc(inputs),
        rejections(inputs),
        calibration(inputs),
        image_scores(inputs),
        sweep(inputs),
        cut_flow(inputs),
        selection(inputs),
        class_counts(inputs),
        bad_parts(inputs),
        models(inputs),
        training(inputs, ""),
        tuning(inputs, ""),
    )
    assert tuple(table.name for table in made) == TABLES
    return made
