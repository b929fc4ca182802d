"""Words of the chapter: what was run on which data, and what a reader must know before using a number."""

from __future__ import annotations

from collections.abc import Iterator

from hitforge.published import load_published
from hitforge.reporting.chapter import Compared, FrontRow, HeadlineNumber, Measured, ReportInputs
from hitforge.reporting.chapter_parts import evaluated_events, generated_samples, models_and_events, parts_left_out
from hitforge.reporting.metrics import difference, metrics_of, sample_title, shown_sample, verdict
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.metrics import PUBLISHED_ETA_EDGES
from hitforge.studies.scouting_egamma.evaluation.response import SELECTIONS
from hitforge.studies.scouting_egamma.features import FEATURE_SETS
from hitforge.studies.scouting_egamma.report.result_tables import measured_aims
from hitforge.studies.scouting_egamma.report.view import percent


def headline_numbers(inputs: ReportInputs) -> Iterator[HeadlineNumber]:
    """Yield the widths of all models, for the next report."""
    sample = shown_sample(inputs)
    for model in metrics_of(inputs):
        for c, name in enumerate(CATEGORIES):
            number = percent(inputs, model, "width", c)
            compared = Compared(sample=sample, quantity="width", where={"category": name}, scale=100.0)
            title = f"σ_eff/median, {name}"
            yield HeadlineNumber(model=model, quantity=title, unit="%", number=number, compared=compared)


def summary(inputs: ReportInputs) -> Iterator[str]:
    """Yield what was run on which data, and which models are better than which."""
    yield (
        "The trigger stores for scouting what the calorimeter measured of electrons and photons: the energies of the "
        "5 × 5 crystals around the seed, the cluster and the best track. Here the energy is corrected: models learn "
        "E_MC / E_reco, separately for barrel and endcaps, electrons and photons."
    )
    yield models_and_events(inputs, "candidates")
    found = list(order_of_models(inputs))
    if found:
        yield f"Differences of σ_eff/median in pp: {'; '.join(found)}."


def order_of_models(inputs: ReportInputs) -> Iterator[str]:
    """Yield for each two models that an aim compares where the first is narrower, and where not."""
    pairs: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in measured_aims(inputs):
        if row.against and {row.model, row.against} <= set(metrics_of(inputs)):
            name, number = row.where["category"], row.distance
            words = name if number.value is None else f"{name} ({_signed(number)})"
            verdicts = pairs.setdefault((row.model, row.against), {})
            verdicts.setdefault(verdict(number, row.aim.sign), []).append(words)
    for (better, worse), verdicts in pairs.items():
        parts = [f"{_VERDICTS[key]} for {', '.join(names)}" for key, names in verdicts.items()]
        yield f"{better} against {worse} {' and '.join(parts)}"


_VERDICTS = {"met": "smaller", "missed": "larger", "open": "the same within two errors", "not measured": "not measured"}


def _signed(number: Measured) -> str:
    assert number.value is not None
    error = "" if number.error is None else f" ± {number.error:.2f}"
    return f"{number.value:+.2f}{error}".replace("-", "−")


def notes(inputs: ReportInputs) -> Iterator[str]:
    """Yield what a reader must know before using a number."""
    uncorrected = inputs.settings["report"]["uncorrected_model"]
    if generated := generated_samples(inputs):
        yield (
            f"The candidates of {generated} come from the embedded generator. Its crack losses, rate of "
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
        f"fitted on held-out candidates and held fixed. The uncorrected energy ({uncorrected}) is not."
    )
    yield (
        "Train and test sample share one map of dead barrel channels, which a model with iphi and ieta among its "
        "features can memorise; the table of another map shows whether it does."
        f"{_within_supermodules(inputs)}"
    )
    yield "Errors are bootstrap errors of the evaluated candidates; they do not contain the spread of a new training."
    yield from parts_left_out(inputs)


def _within_supermodules(inputs: ReportInputs) -> str:
    """Return a sentence on the reference model where it cannot know the place of a dead channel."""
    features = FEATURE_SETS[inputs.settings["models"][inputs.reference]["features"]]
    there = "iphi_20" in features and "iphi" not in features
    return f" {inputs.reference} has iphi only within a supermodule." * there


def front_row(inputs: ReportInputs) -> FrontRow:
    """Return the widths of the baseline and of the ensemble for electrons in the barrel, without cuts."""
    baseline, ensemble = inputs.baseline, inputs.settings["report"]["ensemble_model"] or inputs.reference
    place, category, sample = SELECTIONS.index("all"), CATEGORIES[0], shown_sample(inputs)
    n = next(iter(metrics_of(inputs).values()))["n"][place][0]
    known = load_published(inputs.study)
    printed, arxiv = known.find("width"), known.sources["cms"].partition(",")[0]
    assert printed is not None
    absent = f"{baseline} and {ensemble} were not both run"
    return FrontRow(
        data=evaluated_events(inputs, sample, n, f"{sample_title(sample)} {category}s"),
        quantity=f"width of the energy response σ_eff / median, {category}s",
        unit="%",
        baseline=baseline,
        baseline_number=percent(inputs, baseline, "width", 0),
        ensemble=ensemble,
        ensemble_number=percent(inputs, ensemble, "width", 0),
        gain=difference(inputs, baseline, ensemble, "width", {"category": category}, 100.0, absent=absent),
        published=f"{printed.printed} % for |η| < {PUBLISHED_ETA_EDGES[1]:g} ({arxiv})",
        other_sample=known.note,
    )
