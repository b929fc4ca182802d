"""The study's line on the report's front page."""

from __future__ import annotations

from hitforge.reporting.chapter import FrontRow, Measured, ReportInputs
from hitforge.reporting.chapter_parts import evaluated_events
from hitforge.reporting.evaluated import cell, metrics_of, sample_title, shown_sample
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.response import SELECTIONS
from hitforge.studies.scouting_egamma.report.view import difference

BASELINE, ENSEMBLE = "seed-bdt", "ens5"
CATEGORY = CATEGORIES[0]


def front_row(inputs: ReportInputs) -> FrontRow:
    """Return the widths of the seed's trees and of the ensemble for electrons in the barrel, without cuts."""
    place, metrics, sample = (SELECTIONS.index("all"), 0), metrics_of(inputs), shown_sample(inputs)
    first = next(iter(metrics.values()))

    def width(model: str) -> Measured:
        response = metrics[model]["response"]["width"] if model in metrics else None
        return cell(response, *place, scale=100.0, absent=f"{model} was not run")

    both = f"{BASELINE} and {ENSEMBLE} were not both run"
    return FrontRow(
        data=evaluated_events(inputs, sample, first["n"][place[0]][place[1]], f"{sample_title(sample)} {CATEGORY}s"),
        quantity=f"width of the energy response σ_eff / median, {CATEGORY}s",
        unit="%",
        baseline=BASELINE,
        baseline_number=width(BASELINE),
        ensemble=ENSEMBLE,
        ensemble_number=width(ENSEMBLE),
        gain=cell(difference(inputs, BASELINE, ENSEMBLE), *place, scale=100.0, absent=both),
        published="below 1.8 % for |η| < 0.8 (arXiv:2403.15518)",
        other_sample="Z → ee in CMS data, electrons with little bremsstrahlung",
    )
