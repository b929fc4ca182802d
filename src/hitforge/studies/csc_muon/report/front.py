"""The study's line on the report's front page."""

from __future__ import annotations

from hitforge.reporting.chapter import FrontRow, Measured, ReportInputs
from hitforge.reporting.chapter_parts import evaluated_events
from hitforge.reporting.evaluated import metrics_of, sample_title, shown_sample
from hitforge.studies.csc_muon.published import load_published
from hitforge.studies.csc_muon.report.result_tables import headline_of


def front_row(inputs: ReportInputs) -> FrontRow:
    """Return the rate of the trigger's trees over that of the reference model, at equal efficiency."""
    sample, evaluation = shown_sample(inputs), inputs.settings["evaluation"]
    baseline, published = evaluation["rate_reference"], load_published()
    found = headline_of(inputs, inputs.reference)["rate_reduction"]
    known = found.value is not None
    results = [r for r in published.results if r.quantity == "rate_reduction"]
    printed = " and ".join(f"{result.value:g} ({published.sources[result.source]})" for result in results)
    return FrontRow(
        data=evaluated_events(
            inputs, sample, metrics_of(inputs)[inputs.reference]["n_muons"], f"{sample_title(sample)} roads"
        ),
        quantity=f"reduction of the trigger rate at {evaluation['rate_threshold_gev']:g} GeV, at equal efficiency",
        baseline=baseline,
        baseline_number=Measured(value=1.0, decimals=0) if known else Measured(value=None, reason=found.reason),
        ensemble=inputs.reference,
        ensemble_number=found,
        gain=found.model_copy(update={"value": found.value - 1.0}) if found.value is not None else found,
        published=printed,
        other_sample="they compare the trees with the analytic assignment before them",
    )
