"""Tables of the chapter, in the order in which they are written."""

from __future__ import annotations

from collections.abc import Sequence

from hitforge.reporting.chapter import ReportInputs, Table
from hitforge.reporting.part_tables import bad_parts, cut_flow, selection
from hitforge.reporting.training_tables import models, training, tuning
from hitforge.studies.csc_muon.report.aims import aims
from hitforge.studies.csc_muon.report.data_tables import bayesian_search, class_shares, missing_values
from hitforge.studies.csc_muon.report.names import TABLES
from hitforge.studies.csc_muon.report.result_tables import ablations, differences, headline, published, regression
from hitforge.studies.csc_muon.report.threshold_tables import auc, class_report, deck_thresholds
from hitforge.studies.csc_muon.report.trigger_tables import rates, turn_on, uncertainty


def all_tables(inputs: ReportInputs) -> Sequence[Table]:
    """Return the tables of the chapter, in the order of :data:`names.TABLES`."""
    made = (
        headline(inputs),
        aims(inputs),
        differences(inputs),
        regression(inputs),
        deck_thresholds(inputs),
        class_report(inputs),
        auc(inputs),
        turn_on(inputs),
        rates(inputs),
        uncertainty(inputs),
        ablations(inputs),
        cut_flow(inputs),
        selection(inputs),
        missing_values(inputs),
        class_shares(inputs),
        bad_parts(inputs),
        models(inputs),
        training(inputs, ""),
        bayesian_search(inputs),
        tuning(inputs, ""),
        published(inputs),
    )
    assert tuple(table.name for table in made) == TABLES
    return made
