"""The study's line on the report's front page."""

from __future__ import annotations

from hitforge.provenance import read_json
from hitforge.reporting.chapter import FrontRow, Measured, ReportInputs
from hitforge.reporting.chapter_parts import evaluated_events
from hitforge.reporting.evaluated import evaluation_samples, sample_title
from hitforge.studies.calo_muon.published import load_published
from hitforge.studies.calo_muon.report.tables import percent

BASELINE = "bdt"
PUBLISHED_ENSEMBLE = "full_ensemble"


def front_row(inputs: ReportInputs) -> FrontRow:
    """Return the mean improvements over the tracker of the boosted trees and of the reference model."""
    sample, published = evaluation_samples(inputs)[0], load_published()
    numbers = {
        model: percent(metrics["samples"][sample]["mean_improvement"])
        for model, metrics in inputs.metrics_of.items()
        if sample in metrics["samples"]
    }
    gain = Measured(value=None, reason=f"{inputs.reference} and {BASELINE} were not compared")
    for row in read_json(inputs.comparison)["samples"].get(sample, []):
        pair = {row["first"], row["second"]}
        if row["quantity"] == "mean_improvement" and pair == {inputs.reference, BASELINE}:
            gain = Measured.of(row["difference"], 100.0 if row["first"] == inputs.reference else -100.0)
    result = published.find(PUBLISHED_ENSEMBLE)
    assert result is not None
    n_muons = inputs.metrics_of[inputs.reference]["samples"][sample]["n_muons"]
    return FrontRow(
        data=evaluated_events(inputs, sample, n_muons, f"{sample_title(sample)} muons"),
        quantity="mean improvement of the energy resolution over the tracker alone",
        unit="%",
        baseline=BASELINE,
        baseline_number=numbers.get(BASELINE, Measured(value=None, reason=f"{BASELINE} was not run")),
        ensemble=inputs.reference,
        ensemble_number=numbers.get(inputs.reference, Measured(value=None, reason="not evaluated")),
        gain=gain,
        published=f"{result.percent} % ({published.source}, {result.label})",
        other_sample="Geant4 in the published geometry, 862 000 muons",
    )
