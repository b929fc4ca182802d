"""Tables of the chapter, in the order in which they are written."""

from __future__ import annotations

from collections.abc import Sequence

from hitforge.reporting.chapter import ReportInputs, Table
from hitforge.reporting.part_tables import bad_parts, cut_flow, selection
from hitforge.reporting.training_tables import training, tuning
from hitforge.studies.scouting_egamma.report.data_tables import quality_cuts
from hitforge.studies.scouting_egamma.report.names import TABLES
from hitforge.studies.scouting_egamma.report.published_tables import published
from hitforge.studies.scouting_egamma.report.result_tables import (
    aims,
    crystal_ball,
    differences,
    headline,
    pair_mass,
    selections,
    tails,
)
from hitforge.studies.scouting_egamma.report.width_tables import choices, dead_map, energy_fit, regions, widths


def all_tables(inputs: ReportInputs) -> Sequence[Table]:
    """Return the tables of the chapter, in the order of :data:`names.TABLES`."""
    made = (
        headline(inputs),
        aims(inputs),
        differences(inputs),
        choices(inputs),
        selections(inputs),
        tails(inputs),
        crystal_ball(inputs),
        energy_fit(inputs),
        widths(inputs),
        dead_map(inputs),
        pair_mass(inputs),
        published(inputs),
        cut_flow(inputs),
        selection(inputs),
        quality_cuts(inputs),
        regions(inputs),
        bad_parts(inputs),
        training(inputs, ""),
        tuning(inputs, ""),
    )
    assert tuple(table.name for table in made) == TABLES
    return made
