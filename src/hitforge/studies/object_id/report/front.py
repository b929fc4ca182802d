"""The study's line on the report's front page."""

from __future__ import annotations

from hitforge.reporting.chapter import FrontRow, Measured, ReportInputs
from hitforge.reporting.chapter_parts import evaluated_events
from hitforge.reporting.evaluated import metrics_of, sample_title, shown_sample
from hitforge.studies.object_id.data.objects import CLASS_NAMES
from hitforge.studies.object_id.published import load_published
from hitforge.studies.object_id.report.result_tables import difference, headline_of

BASELINE = "seed-cnn"


def front_row(inputs: ReportInputs) -> FrontRow:
    """Return the balanced accuracies of the seed's network and of the reference model."""
    sample = shown_sample(inputs)
    absent = Measured(value=None, reason=f"{BASELINE} was not run")
    published = load_published()
    scores = [published.scores_percent[name][c] for c, name in enumerate(CLASS_NAMES)]  # of the true class
    n_objects = metrics_of(inputs)[inputs.reference]["n_objects"]
    return FrontRow(
        data=evaluated_events(inputs, sample, n_objects, f"{sample_title(sample)} objects"),
        quantity="balanced accuracy of four classes",
        unit="%",
        baseline=BASELINE,
        baseline_number=headline_of(inputs, BASELINE).get("balanced_accuracy", absent),
        ensemble=inputs.reference,
        ensemble_number=headline_of(inputs, inputs.reference)["balanced_accuracy"],
        gain=difference(inputs, inputs.reference, BASELINE),
        published=f"{min(scores):.1f} to {max(scores):.1f} % (slides, 2017)",
        other_sample=f"scores of one image of each class, no accuracies; {published.note}",
    )
