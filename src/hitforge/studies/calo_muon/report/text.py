"""Words of the chapter: what was run on which data, and what a reader must know before using a number."""

from __future__ import annotations

from collections.abc import Iterator

from hitforge.published import load_published
from hitforge.reporting.chapter import Compared, FrontRow, HeadlineNumber, ReportInputs
from hitforge.reporting.chapter_parts import (
    evaluated_events,
    generated_samples,
    missing_numbers,
    models_and_events,
    parts_left_out,
)
from hitforge.reporting.metrics import evaluation_samples, not_run, sample_title
from hitforge.reporting.numbers import cell_text
from hitforge.studies.calo_muon.report import view
from hitforge.words import HELDOUT


def front_row(inputs: ReportInputs) -> FrontRow:
    """Return the information of the baseline and of the reference model."""
    sample, published = view.ranking_sample(inputs), load_published(inputs.study)
    baseline, reference = inputs.baseline, inputs.reference
    result = published.find("mean_improvement", of="ensemble")
    assert result is not None
    n_muons = inputs.metrics_of[reference]["samples"].get(sample, {}).get("n_muons", 0)
    return FrontRow(
        data=evaluated_events(inputs, sample, n_muons, f"{sample_title(sample)} muons"),
        quantity="information about the true energy",
        unit="bit",
        baseline=baseline,
        baseline_number=(
            view.number(inputs, baseline, sample, view.INFORMATION) if baseline in inputs.metrics else not_run(baseline)
        ),
        ensemble=reference,
        ensemble_number=view.number(inputs, reference, sample, view.INFORMATION),
        gain=view.paired(inputs, reference, baseline, sample, view.INFORMATION),
        published=f"none in bits; mean improvement {result.value} pp ({published.source}, {result.text})",
        other_sample="Geant4 in the published geometry, 862 000 muons, another measure",
    )


def mean_improvement(inputs: ReportInputs) -> str:
    """Say what the paper's measure is, and what a perfect calorimeter would reach."""
    evaluation = inputs.settings["evaluation"]
    # a perfect calorimeter leaves the tracker's mean resolution as the improvement
    most = _tracker_percent(inputs, 0.5 * (evaluation["e_min_gev"] + evaluation["e_max_gev"]))
    return (
        "The relative resolution in an energy bin is the half width of the central 68 % of the corrected "
        "predictions and the residual bias of their median, added in quadrature; combined with the tracker by "
        "inverse variances. The mean improvement (MI) is the average over bins of tracker minus combined "
        f"resolution; a perfect calorimeter would reach {most:.0f} pp."
    )


def _tracker_percent(inputs: ReportInputs, energy_gev: float) -> float:
    """Return the resolution of the assumed tracker in percent."""
    return 100.0 * float(inputs.settings["evaluation"]["tracker_per_gev"]) * energy_gev


_QUANTITIES = ((view.INFORMATION, "information"), (view.GAIN, "measured gain"), (view.MI, "MI"))


def headline_numbers(inputs: ReportInputs) -> Iterator[HeadlineNumber]:
    """Yield information, measured gain and MI of each model."""
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
                    compared=Compared(sample=name, quantity=key, scale=view.SCALE[key]),
                )


def summary(inputs: ReportInputs) -> Iterator[str]:
    """Yield the task, what was run, and the result."""
    yield (
        "Above a few hundred GeV a muon's momentum is hard to measure from its bending, but it radiates more and more "
        "energy. Here its energy is regressed from these deposits in a block of lead tungstate with 51 200 cells, as "
        f"in {load_published(inputs.study).source}, and combined with an assumed tracker "
        f"({_tracker_percent(inputs, 1000.0):.0f} % at 1 TeV, proportional to energy)."
    )
    yield models_and_events(inputs, "muons")
    yield _result(inputs)


def _result(inputs: ReportInputs) -> str:
    """Say in one sentence which model knows most, and by how much more than the baseline."""
    best, sample = view.best(inputs), view.ranking_sample(inputs)
    bits = view.number(inputs, best, sample, view.INFORMATION)
    if bits.value is None:
        return f"No model has a number in bits on the {sample_title(sample)} muons; the notes say why."
    text = f"On the {sample_title(sample)} muons {best} knows most about the energy: {cell_text(bits)} bit"
    bound = view.limit(inputs, sample)
    if bound.value is not None:
        text += f" of the {cell_text(bound)} that true losses and track hold"
    if best != inputs.baseline:
        more = view.paired(inputs, best, inputs.baseline, sample, view.INFORMATION)
        if more.value is not None:
            text += f", {cell_text(more)} more than {inputs.baseline}"
    for name in view.further_samples(inputs):
        other = view.number(inputs, best, name, view.INFORMATION)
        if other.value is not None:
            text += f"; {cell_text(other)} on {name}"
    gain = view.number(inputs, best, sample, view.GAIN)
    if gain.value is not None:
        text += f". It improves the tracker's resolution by {cell_text(gain)} pp, measured muon by muon"
    return f"{text}."


def notes(inputs: ReportInputs) -> Iterator[str]:
    """Yield what a reader must know before using a number."""
    source = load_published(inputs.study).source
    yield (
        f"The paper's ({source}): task, features, network cnn with its loss, bias correction, and the mean improvement "
        "MI. Ours: trees, networks on layers, densities of the energy, information, measured gain, the limit."
    )
    if generated := generated_samples(inputs):
        how = (
            "with Geant4 in the published geometry"
            if inputs.settings["simulation"]["backend"] == "geant4"
            else "by the embedded simulation, which is tuned so that its showers look like the original's"
        )
        yield f"The muons of {generated} are generated {how}. They are not the published data set."
    yield (
        f"Published values ({source}) are for another data set, Geant4 with 862k muons. They show the scale; a "
        "difference to them is not a result."
    )
    yield from _evaluation_notes(inputs)
    yield (
        "Errors are bootstrap errors of the evaluated muons with models and corrections held fixed; they do not "
        "contain the spread of a new training."
    )
    for (quantity, reason), models in missing_numbers(headline_numbers(inputs)).items():
        yield f"{', '.join(models)}, {quantity}: no number, because {reason}."
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
