"""Words of the chapter: what was run on which data, and what a reader must know before using a number."""

from __future__ import annotations

from collections.abc import Iterator

from hitforge.reporting.chapter import Chapter, HeadlineNumber, ReportInputs, Section
from hitforge.reporting.chapter_parts import (
    bind_chapter,
    headline_numbers,
    items,
    models_and_events,
    parts_left_out,
    reference_sentence,
)
from hitforge.reporting.evaluated import HELDOUT, metrics_of, shown_sample
from hitforge.studies.object_id.published import load_published
from hitforge.studies.object_id.report.front import front_row
from hitforge.studies.object_id.report.result_tables import headline_of

TITLE = "Electron, jet, muon or tau from calorimeter sub-images"

_QUANTITIES = {
    "balanced_accuracy": ("balanced accuracy", "%"),
    "matched": ("balanced accuracy, matched in pT and |η|", "%"),
    "recall_tau": ("recall of taus", "%"),
    "tau_jet_auc": ("AUC tau, jet", ""),
}


def chapter_text(inputs: ReportInputs) -> Chapter:
    """Return title, summary, notes and the order of tables and figures."""
    return bind_chapter(
        inputs,
        TITLE,
        summary=_summary(inputs),
        notes=_notes(inputs),
        sections=_sections(),
        headline=_headline(inputs),
        front=front_row(inputs),
    )


def _headline(inputs: ReportInputs) -> Iterator[HeadlineNumber]:
    return headline_numbers(inputs, headline_of, _QUANTITIES)


def _summary(inputs: ReportInputs) -> Iterator[str]:
    yield (
        "An electron, a jet, a muon and a hadronic tau leave different showers in a calorimeter. Here they are told "
        "apart from the cells around their axis alone: two pictures, one of the electromagnetic and one of the "
        "hadronic channel. No track is an input, and a position in the detector only where the model's description "
        "says so."
    )
    yield models_and_events(inputs, "objects") + " Both objects of an event are always on the same side of a split."
    yield from reference_sentence(inputs, _headline(inputs), "objects")


def _notes(inputs: ReportInputs) -> Iterator[str]:
    samples = inputs.settings["samples"]
    generated = [name for name, sample in samples.items() if sample["source"] == "simulate"]
    if generated:
        yield (
            f"The objects of {' and '.join(generated)} come from the embedded parametric generator: one spectrum of pT "
            "for all classes, a few formulas for showers. It is no validated detector simulation, and none of these "
            "numbers may be called better than a published one."
        )
    yield (
        f"The slides that this study repeats print scores of four single images ({load_published().note}) and no "
        "counts; there is no published number to compare an accuracy with."
    )
    yield (
        "logreg-T knows only the energy in the image and marks the floor: what is above it comes from the shape of the "
        "showers. majority always says the largest class."
    )
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


def _sections() -> tuple[Section, ...]:
    return (
        Section(
            id="results",
            title="Results",
            text=("Every number is for objects that no model was trained on.",),
            items=items("table headline", "figure confusion", "table aims", "table differences", "table class_report"),
        ),
        Section(
            id="separation",
            title="Separation of the classes",
            items=items("figure roc_pairs", "figure roc_rest", "table auc", "table rejections", "figure recall"),
        ),
        Section(
            id="probabilities",
            title="Probabilities",
            text=("A probability of 90 % should be right in nine cases of ten.",),
            items=items("figure reliability", "table calibration", "figure scores"),
        ),
        Section(
            id="images",
            title="Images",
            items=items(
                "figure mean_images",
                "figure example_images",
                "figure event_displays",
                "figure occlusion",
                "figure misclassified",
                "table image_scores",
            ),
        ),
        Section(
            id="data",
            title="Data",
            text=("A part is one ROOT file. Bad and duplicate parts are left out as a whole.",),
            items=items(
                "table cut_flow", "table selection", "table class_counts", "table bad_parts", "figure kinematics"
            ),
        ),
        Section(
            id="models",
            title="Models and training",
            items=items(
                "table models",
                "figure accuracy_history",
                "figure loss_history",
                "table training",
                "table sweep",
                "figure importances",
                "table tuning",
                "figure tuning_history",
            ),
        ),
    )
