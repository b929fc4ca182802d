"""Words of the chapter: what was run on which data, and what a reader must know before using a number."""

from __future__ import annotations

from collections.abc import Iterator

from hitforge.published import load_published
from hitforge.reporting import chapter_parts
from hitforge.reporting.chapter import FrontRow, HeadlineNumber, ReportInputs
from hitforge.reporting.chapter_parts import (
    evaluated_events,
    generated_samples,
    models_and_events,
    parts_left_out,
    reference_sentence,
)
from hitforge.reporting.metrics import difference, metrics_of, not_run, sample_title, shown_sample
from hitforge.studies.object_id.data.objects import CLASS_NAMES
from hitforge.studies.object_id.report.result_tables import headline_of
from hitforge.words import HELDOUT

_QUANTITIES = {
    "balanced_accuracy": ("balanced accuracy", "%"),
    "matched": ("balanced accuracy, matched in pT and |η|", "%"),
    "recall_tau": ("recall of taus", "%"),
    "tau_jet_auc": ("AUC tau, jet", ""),
}


def headline_numbers(inputs: ReportInputs) -> Iterator[HeadlineNumber]:
    """Return the numbers that the next report compares with."""
    return chapter_parts.headline_numbers(inputs, headline_of, _QUANTITIES)


def front_row(inputs: ReportInputs) -> FrontRow:
    """Return the balanced accuracies of the baseline and of the reference model."""
    published = load_published(inputs.study)
    scores = [published.blocks["scores_percent"][name][c] for c, name in enumerate(CLASS_NAMES)]  # of the true class
    sample = shown_sample(inputs)
    n_objects = metrics_of(inputs)[inputs.reference]["n_objects"]
    return FrontRow(
        data=evaluated_events(inputs, sample, n_objects, f"{sample_title(sample)} objects"),
        quantity="balanced accuracy of four classes",
        unit="%",
        baseline=inputs.baseline,
        baseline_number=headline_of(inputs, inputs.baseline).get("balanced_accuracy", not_run(inputs.baseline)),
        ensemble=inputs.reference,
        ensemble_number=headline_of(inputs, inputs.reference)["balanced_accuracy"],
        gain=difference(inputs, inputs.reference, inputs.baseline, "balanced_accuracy", scale=100.0),
        published=f"{min(scores):.1f} to {max(scores):.1f} % (slides, 2017)",
        other_sample=f"scores of one image of each class, no accuracies; {published.note}",
    )


def summary(inputs: ReportInputs) -> Iterator[str]:
    """Yield what was run on which data."""
    yield (
        "An electron, a jet, a muon and a hadronic tau leave different showers in a calorimeter. Here they are told "
        "apart from the cells around their axis alone: two pictures, one of the electromagnetic and one of the "
        "hadronic channel. No track is an input, and a position in the detector only where the model's description "
        "says so."
    )
    yield models_and_events(inputs, "objects") + " Both objects of an event are always on the same side of a split."
    yield from reference_sentence(inputs, headline_numbers(inputs), "objects")


def notes(inputs: ReportInputs) -> Iterator[str]:
    """Yield what a reader must know before using a number."""
    published, generated = load_published(inputs.study), generated_samples(inputs)
    if generated:
        yield (
            f"The objects of {generated} come from the embedded parametric generator: one spectrum of pT "
            "for all classes, a few formulas for showers. It is no validated detector simulation, and none of these "
            "numbers may be called better than a published one."
        )
    yield (
        f"The slides that this study repeats print scores of four single images ({published.note}) and no "
        "counts; there is no published number to compare an accuracy with."
    )
    yield from _floors(inputs)
    held = shown_sample(inputs) == HELDOUT
    yield (
        "Epochs, hyper-parameters and variants are chosen on validation folds of the train sample. The temperature of "
        "the probabilities is fitted on held-out objects and held fixed. "
        + ("The objects shown are those of the fit." if held else "The objects shown are independent of them.")
    )
    yield (
        "Leptonic taus look like their electron or muon; a cut drops them, and the selection table counts them. Errors "
        "are bootstrap errors over objects with models held fixed; they do not contain the spread of a new training."
    )
    if not inputs.settings.get("simulation", {}).get("pileup", False) and generated:
        yield "There is no pile-up in the generated images; the number of vertices is drawn but changes nothing."
    for model, metrics in metrics_of(inputs).items():
        if metrics["n_objects"] < 1000:
            yield f"{model} is evaluated on {metrics['n_objects']} objects only: it shows function, not physics."
    yield from parts_left_out(inputs)


def _floors(inputs: ReportInputs) -> Iterator[str]:
    """Yield what the logistic regressions know, in one paragraph."""
    words = {
        "energy": "{} knows only the energy in the image and marks the floor: what is above it comes from the shape of "
        "the showers.",
        "none": "{} always says the largest class.",
    }
    models = inputs.settings["models"].items()
    floors = [(name, entry["features"]) for name, entry in models if entry["kind"] == "table"]
    said = [text.format(name) for known, text in words.items() for name, own in floors if own == known]
    if said:
        yield " ".join(said)
