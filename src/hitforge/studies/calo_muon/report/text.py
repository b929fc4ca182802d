"""Words of the chapter: what was run on which data, and what a reader must know before using a number."""

from __future__ import annotations

from collections.abc import Iterator

from hitforge.reporting.chapter import Chapter, HeadlineNumber, ReportInputs
from hitforge.reporting.chapter_parts import bind_chapter, models_and_events, parts_left_out
from hitforge.reporting.evaluated import HELDOUT, evaluation_samples, sample_title
from hitforge.reporting.numbers import cell_text
from hitforge.studies.calo_muon.published import load_published
from hitforge.studies.calo_muon.report import view
from hitforge.studies.calo_muon.report.front import front_row
from hitforge.studies.calo_muon.report.sections import sections, tracker_percent

TITLE = "Muon energy from a finely segmented calorimeter"


def chapter_text(inputs: ReportInputs) -> Chapter:
    """Return title, summary, notes and the order of tables and figures."""
    return bind_chapter(
        inputs,
        TITLE,
        summary=_summary(inputs),
        notes=_notes(inputs),
        sections=sections(inputs),
        headline=_headline(inputs),
        front=front_row(inputs),
    )


_QUANTITIES = ((view.INFORMATION, "information"), (view.GAIN, "measured gain"), (view.MI, "MI"))


def _headline(inputs: ReportInputs) -> Iterator[HeadlineNumber]:
    samples = [view.ranking_sample(inputs), *view.further_samples(inputs)]
    samples += [HELDOUT] * (HELDOUT in evaluation_samples(inputs) and HELDOUT not in samples)
    for model in inputs.metrics_of:
        for name in samples:
            for key, text in _QUANTITIES:
                yield HeadlineNumber(
                    model=model,
                    quantity=f"{text} {sample_title(name)}",
                    unit=view.UNIT[key],
                    number=view.number(inputs, model, name, key),
                )


def _summary(inputs: ReportInputs) -> Iterator[str]:
    yield (
        "Above a few hundred GeV a muon's momentum is hard to measure from its bending, but it radiates more and more "
        "energy. Here its energy is regressed from these deposits in a block of lead tungstate with 51 200 cells, as "
        f"in {load_published().source}, and combined with an assumed tracker "
        f"({tracker_percent(inputs, 1000.0):.0f} % at 1 TeV, proportional to energy)."
    )
    yield models_and_events(inputs, "muons")
    yield _result(inputs)


def _result(inputs: ReportInputs) -> str:
    """Say in one sentence which model knows most, and by how much more than the trees."""
    best, sample = view.best(inputs), view.ranking_sample(inputs)
    bits = view.number(inputs, best, sample, view.INFORMATION)
    if bits.value is None:
        return f"No model has a number in bits on the {sample_title(sample)} muons; the notes say why."
    text = f"On the {sample_title(sample)} muons {best} knows most about the energy: {cell_text(bits)} bit"
    bound = view.limit(inputs, sample)
    if bound.value is not None:
        text += f" of the {cell_text(bound)} that true losses and track hold"
    if best != view.BASELINE and view.BASELINE in inputs.metrics_of:
        more = view.paired(inputs, best, view.BASELINE, sample, view.INFORMATION)
        if more.value is not None:
            text += f", {cell_text(more)} more than {view.BASELINE}"
    for name in view.further_samples(inputs):
        other = view.number(inputs, best, name, view.INFORMATION)
        if other.value is not None:
            text += f"; {cell_text(other)} on {name}"
    gain = view.number(inputs, best, sample, view.GAIN)
    if gain.value is not None:
        text += f". It improves the tracker's resolution by {cell_text(gain)} pp, measured muon by muon"
    return f"{text}."


def _notes(inputs: ReportInputs) -> Iterator[str]:
    source = load_published().source
    yield (
        f"The paper's ({source}): task, features, network cnn with its loss, bias correction, and the mean improvement "
        "MI. Ours: trees, networks on layers, densities of the energy, information, measured gain, the limit."
    )
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
        f"Published values ({source}) are for another data set, Geant4 with 862k muons. They show the scale; a "
        "difference to them is not a result."
    )
    yield from _evaluation_notes(inputs)
    yield (
        "Errors are bootstrap errors of the evaluated muons with models and corrections held fixed; they do not "
        "contain the spread of a new training."
    )
    yield from _missing(inputs)
    yield from parts_left_out(inputs)
    yield from _unseen(inputs)


def _missing(inputs: ReportInputs) -> Iterator[str]:
    """Say once for each quantity and reason which models have no number."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in _headline(inputs):
        if item.number.value is None:
            found.setdefault((item.quantity, str(item.number.reason)), []).append(item.model)
    for (quantity, reason), models in found.items():
        yield f"{', '.join(models)}, {quantity}: no number, because {reason}."


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
                "parameters is fitted on the same muons; densities are fitted on one half of them and evaluated on the "
                "other. Test muons are independent of both."
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
