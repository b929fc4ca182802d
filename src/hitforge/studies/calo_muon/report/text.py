"""Words of the chapter: what was run on which data, and what a reader must know before using a number."""

from __future__ import annotations

from collections.abc import Iterator

from hitforge.reporting.chapter import Chapter, HeadlineNumber, ReportInputs, Section
from hitforge.reporting.chapter_parts import bind_chapter, items, models_and_events, parts_left_out
from hitforge.reporting.evaluated import evaluation_samples, sample_title
from hitforge.reporting.numbers import cell_text
from hitforge.studies.calo_muon.published import load_published
from hitforge.studies.calo_muon.report.front import front_row
from hitforge.studies.calo_muon.report.tables import percent

TITLE = "Muon energy from a finely segmented calorimeter"


def chapter_text(inputs: ReportInputs) -> Chapter:
    """Return title, summary, notes and the order of tables and figures."""
    return bind_chapter(
        inputs,
        TITLE,
        summary=_summary(inputs),
        notes=_notes(inputs),
        sections=_sections(inputs),
        headline=_headline(inputs),
        front=front_row(inputs),
    )


def _headline(inputs: ReportInputs) -> Iterator[HeadlineNumber]:
    for model, metrics in inputs.metrics_of.items():
        for name in evaluation_samples(inputs):
            if name in metrics["samples"]:
                number = percent(metrics["samples"][name]["mean_improvement"])
                yield HeadlineNumber(model=model, quantity=f"MI {sample_title(name)}", unit="%", number=number)


def _summary(inputs: ReportInputs) -> Iterator[str]:
    yield (
        "Above a few hundred GeV a muon's momentum is hard to measure from its bending, but it radiates more and more "
        "energy. Here its energy is regressed from these deposits in a block of lead tungstate with 51 200 cells, as "
        f"in {load_published().source}, and combined with an assumed tracker "
        f"({_tracker_percent(inputs, 1000.0):.0f} % at 1 TeV, proportional to energy)."
    )
    yield models_and_events(inputs, "muons")
    numbers = [item for item in _headline(inputs) if item.model == inputs.reference and item.number.value is not None]
    if numbers:
        text = ", ".join(f"{cell_text(item.number)} % ({item.quantity.removeprefix('MI ')})" for item in numbers)
        yield f"Mean improvement over the tracker alone of the reference model {inputs.reference}: {text}."
    else:
        yield f"The reference model {inputs.reference} has no mean improvement; the notes say why."


def _notes(inputs: ReportInputs) -> Iterator[str]:
    samples = inputs.settings["samples"]
    generated = [name for name, sample in samples.items() if sample["source"] == "simulate"]
    if generated:
        how = (
            "with Geant4 in the published geometry"
            if inputs.settings["simulation"]["backend"] == "geant4"
            else "by the embedded simulation, which is tuned so that its showers look like the original's"
        )
        yield f"The muons of {' and '.join(generated)} are generated {how}. They are not the published data set."
    yield (
        f"Published values ({load_published().source}) are for another data set, Geant4 with 862k muons. They show the "
        "scale; a difference to them is not a result."
    )
    yield from _evaluation_notes(inputs)
    yield (
        "Errors of held-out and test numbers are bootstrap errors of the evaluated muons with models and correction "
        "held fixed; they do not contain the spread of a new training."
    )
    for item in _headline(inputs):
        if item.number.value is None:
            yield f"{item.model}, {item.quantity}: no number, because {item.number.reason}."
    yield from parts_left_out(inputs)
    yield from _unseen(inputs)


def _evaluation_notes(inputs: ReportInputs) -> Iterator[str]:
    ways: dict[str, list[str]] = {}
    for model, metrics in inputs.metrics_of.items():
        ways.setdefault(metrics.get("evaluation", "held-out folds"), []).append(model)
    for way, models in ways.items():
        who = "" if len(ways) == 1 else f" ({', '.join(models)})"
        if way.startswith("cross-fitted"):
            yield (
                f"Held-out numbers{who} are {way}: every muon of the train sample is predicted by the rotation that "
                "never saw it, with that rotation's own scaling and correction. Test numbers are those of the main fit."
            )
        else:
            yield (
                f"Held-out numbers{who} are those of {way}, which no model trains on. The bias correction of two "
                "parameters is fitted on the same muons; test muons are independent of it."
            )


def _unseen(inputs: ReportInputs) -> Iterator[str]:
    """Say which parts frozen models have not seen."""
    train = inputs.samples_with_role("train")
    used = {part for name in train if name in inputs.inventory_of for part in inputs.inventory_of[name].good}
    for model, manifest in inputs.manifest_of.items():
        if "training_parts" in manifest:
            unseen = sorted(used - set(manifest["training_parts"]))
            if unseen:
                listed = ", ".join(unseen[:5]) + (f" and {len(unseen) - 5} more" if len(unseen) > 5 else "")
                yield f"{model} was trained without {len(unseen)} parts that have been added since: {listed}."


def _tracker_percent(inputs: ReportInputs, energy_gev: float) -> float:
    return 100.0 * float(inputs.settings["evaluation"]["tracker_per_gev"]) * energy_gev


def _sections(inputs: ReportInputs) -> tuple[Section, ...]:
    evaluation = inputs.settings["evaluation"]
    # a perfect calorimeter leaves the tracker's mean resolution as the improvement
    limit = _tracker_percent(inputs, 0.5 * (evaluation["e_min_gev"] + evaluation["e_max_gev"]))
    return (
        Section(
            id="results",
            title="Results",
            text=(
                "The relative resolution in an energy bin is the half width of the central 68 % of the corrected "
                "predictions and the residual bias of their median, added in quadrature. The mean improvement (MI) is "
                f"the average over bins of tracker minus combined resolution; a perfect calorimeter "
                f"would reach {limit:.0f} %.",
            ),
            items=items(
                "table headline",
                "figure mean_improvement",
                "table differences",
                "figure resolution",
                "figure combined_resolution",
                "table resolution_heldout",
                "table resolution_test",
                "figure linearity",
                "figure bias",
                "figure calibration",
            ),
        ),
        Section(
            id="data",
            title="Data",
            text=("A part is one ROOT file. Bad and duplicate parts are left out as a whole.",),
            items=items("table cut_flow", "table bad_parts", "figure spectra", "figure event_displays"),
        ),
        Section(
            id="models",
            title="Models and training",
            items=items(
                "table models",
                "figure loss_history",
                "table training",
                "figure learning_rate",
                "figure importances",
                "table tuning",
                "figure tuning_history",
            ),
        ),
        Section(
            id="features", title="High-level features", items=items("table features", "figure feature_distributions")
        ),
        Section(id="published", title="Published values", items=items("table published")),
    )
