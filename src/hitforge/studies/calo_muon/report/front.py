"""The study's line on the report's front page."""

from __future__ import annotations

from hitforge.reporting.chapter import FrontRow, Measured, ReportInputs
from hitforge.reporting.chapter_parts import evaluated_events
from hitforge.reporting.evaluated import sample_title
from hitforge.studies.calo_muon.published import load_published
from hitforge.studies.calo_muon.report import view

PUBLISHED_ENSEMBLE = "full_ensemble"


def front_row(inputs: ReportInputs) -> FrontRow:
    """Return the information of the boosted trees and of the reference model."""
    sample, published, reference = view.ranking_sample(inputs), load_published(), inputs.reference
    known = view.BASELINE in inputs.metrics_of
    result = published.find(PUBLISHED_ENSEMBLE)
    assert result is not None
    n_muons = inputs.metrics_of[reference]["samples"].get(sample, {}).get("n_muons", 0)
    absent = Measured(value=None, reason=f"{view.BASELINE} was not run")
    return FrontRow(
        data=evaluated_events(inputs, sample, n_muons, f"{sample_title(sample)} muons"),
        quantity="information about the true energy",
        unit="bit",
        baseline=view.BASELINE,
        baseline_number=view.number(inputs, view.BASELINE, sample, view.INFORMATION) if known else absent,
        ensemble=reference,
        ensemble_number=view.number(inputs, reference, sample, view.INFORMATION),
        gain=view.paired(inputs, reference, view.BASELINE, sample, view.INFORMATION),
        published=f"none in bits; mean improvement {result.percent} pp ({published.source}, {result.label})",
        other_sample="Geant4 in the published geometry, 862 000 muons, another measure",
    )
