"""Words of the chapter: what was run on which data, and what a reader must know before using a number."""

from __future__ import annotations

from collections.abc import Iterator

from hitforge.reporting.chapter import Chapter, HeadlineNumber, Measured, ReportInputs, Section
from hitforge.reporting.chapter_parts import bind_chapter, items, models_and_events, parts_left_out
from hitforge.reporting.evaluated import cell, metrics_of, verdict
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.response import SELECTIONS
from hitforge.studies.scouting_egamma.report.front import front_row
from hitforge.studies.scouting_egamma.report.result_tables import ORDER
from hitforge.studies.scouting_egamma.report.view import difference

TITLE = "Electron and photon energies from scouting data"


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
    place = SELECTIONS.index("all")
    for model, metrics in metrics_of(inputs).items():
        for c, name in enumerate(CATEGORIES):
            number = cell(metrics["response"]["width"], place, c, scale=100.0)
            yield HeadlineNumber(model=model, quantity=f"σ_eff/median, {name}", unit="%", number=number)


def _summary(inputs: ReportInputs) -> Iterator[str]:
    yield (
        "The trigger stores for scouting what the calorimeter measured of electrons and photons: the energies of the "
        "5 × 5 crystals around the seed, the cluster and the best track. Here the energy is corrected: models learn "
        "E_MC / E_reco, separately for barrel and endcaps, electrons and photons."
    )
    yield models_and_events(inputs, "candidates")
    found = list(order_of_models(inputs))
    if found:
        yield f"Differences of σ_eff/median in percentage points: {'; '.join(found)}."


def order_of_models(inputs: ReportInputs) -> Iterator[str]:
    """Yield for each two models in their order of merit where the better one is narrower, and where not."""
    for better, worse in ORDER:
        found = difference(inputs, better, worse)
        if found is None:
            continue
        verdicts: dict[str, list[str]] = {}
        for c, name in enumerate(CATEGORIES):
            number = cell(found, SELECTIONS.index("all"), c, scale=100.0)
            words = name if number.value is None else f"{name} ({_signed(number)})"
            verdicts.setdefault(verdict(number, -1.0), []).append(words)
        parts = [f"{_VERDICTS[key]} for {', '.join(names)}" for key, names in verdicts.items()]
        yield f"{better} against {worse} {' and '.join(parts)}"


_VERDICTS = {"met": "smaller", "missed": "larger", "open": "the same within two errors", "not measured": "not measured"}


def _signed(number: Measured) -> str:
    assert number.value is not None
    error = "" if number.error is None else f" ± {number.error:.2f}"
    return f"{number.value:+.2f}{error}".replace("-", "−")


def _notes(inputs: ReportInputs) -> Iterator[str]:
    samples = inputs.settings["samples"]
    generated = [name for name, sample in samples.items() if sample["source"] == "simulate"]
    if generated:
        yield (
            f"The candidates of {' and '.join(generated)} come from the embedded generator. Its crack losses, rate of "
            "lost candidates and track resolution (optimistic: 1.5 % and the brem tail) were set by hand to look like "
            "the published distributions. It is no validated detector simulation, and what the track gains is "
            "partly built in."
        )
    yield (
        "Candidates are flat in pT, η and φ. Those without any energy (E_reco = 0) have no correction: the selection "
        "table counts them, and no width includes them."
    )
    yield (
        "The energy scale of every model is calibrated with medians in bins of corrected pT and reconstructed |η|, "
        "fitted on held-out candidates and held fixed. The uncorrected energy (raw) is not."
    )
    yield (
        "Train and test sample share one map of dead barrel channels, which a model with iphi and ieta among its "
        "features "
        "can memorise; the table of another map shows whether it does. hgb has iphi only within a supermodule."
    )
    yield "Errors are bootstrap errors of the evaluated candidates; they do not contain the spread of a new training."
    yield from parts_left_out(inputs)


def _sections() -> tuple[Section, ...]:
    return (
        Section(
            id="results",
            title="Results",
            text=("Every number is for candidates that no model was trained on.",),
            items=items(
                "table headline",
                "table aims",
                "figure resolution_pt",
                "figure resolution_eta",
                "figure response",
                "figure linearity",
                "table differences",
                "table choices",
                "table selections",
                "table tails",
            ),
        ),
        Section(
            id="response",
            title="Response in detail",
            items=items(
                "figure resolution_map",
                "figure response_observed",
                "figure energy_fit",
                "table energy_fit",
                "table crystal_ball",
                "table widths",
                "table dead_map",
            ),
        ),
        Section(
            id="pairs",
            title="Pair mass and published numbers",
            items=items("figure pair_mass", "table pair_mass", "table published"),
        ),
        Section(
            id="data",
            title="Data",
            text=(
                "dE is (E_reco − E_MC) / E_MC. Gaps between supermodules (18 fringes in φ) and modules, dead channels "
                "and bremsstrahlung outside the 5 × 5 make the tail below 0.",
            ),
            items=items(
                "table cut_flow",
                "table selection",
                "table bad_parts",
                "figure generated",
                "figure raw_response",
                "figure response_plane",
                "table regions",
                "figure energies",
                "figure response_gaps",
                "figure detector_maps",
            ),
        ),
        Section(
            id="cuts",
            title="Cuts",
            text=(
                "Cuts choose what some models train on. Nothing is cut before evaluation, and cuts that look at "
                "the truth "
                "are shown for comparison only: they cannot be applied to data, and they remove the tail that matters.",
            ),
            items=items("table quality_cuts", "figure cut_response", "figure cut_efficiency", "figure shower_shapes"),
        ),
        Section(
            id="training",
            title="Training",
            text=("Importances and trials of a model are those of its first booster, that of electrons in EB.",),
            items=items(
                "table training",
                "figure loss_history",
                "figure importances",
                "figure permutation",
                "table tuning",
                "figure tuning_history",
                "figure tuning_parameters",
            ),
        ),
    )
