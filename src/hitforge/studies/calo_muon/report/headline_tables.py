"""Tables of the results: what every model knows, and paired differences to the reference model."""

from __future__ import annotations

from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.reporting.chapter_parts import significance
from hitforge.reporting.evaluated import sample_title
from hitforge.studies.calo_muon.report import view
from hitforge.studies.calo_muon.report.model_view import INPUTS, input_class, n_training, objective_text


def headline(inputs: ReportInputs) -> Table:
    """One row for each model, the one that knows most first, under the limit where it is known."""
    first, further = view.ranking_sample(inputs), view.further_samples(inputs)
    reference, title = inputs.reference, sample_title(view.ranking_sample(inputs))
    columns = (
        Column(key="model", label="Model", align="left"),
        Column(key="inputs", label="Inputs", align="left", detail=True),
        Column(key="objective", label="Objective", align="left"),
        Column(key="members", label="Members", detail=True),
        Column(key="parameters", label="Parameters", detail=True),
        Column(key="trained_on", label="Trained on (muons)", detail=True),
        Column(key=f"information_{first}", label=f"Information, {title}", unit="bit"),
        *(Column(key=f"information_{name}", label=f"Information, {name}", unit="bit") for name in further),
        *(Column(key=f"transfer_{name}", label=f"{name} − {title}", unit="bit", detail=True) for name in further),
        Column(key=f"gain_{first}", label=f"Measured gain, {title}", unit="pp"),
        Column(key=f"mi_{first}", label=f"MI (the paper's), {title}", unit="pp"),
        Column(key=f"coverage_{first}", label=f"Coverage of 68 %, {title}", unit="%", detail=True),
        Column(key="minus_reference", label=f"Information minus that of {reference}", unit="bit", detail=True),
    )
    rows: list[tuple[Cell, ...]] = []
    for (key, known), name in zip(view.LIMITS.items(), ("losses alone", "limit"), strict=True):
        limits = [view.limit(inputs, sample, key) for sample in (first, *further)]
        if any(number.value is not None for number in limits):
            rows.append((name, known, "", None, None, None, *limits, *[None] * (len(further) + 4)))
    models = view.ranked(inputs)
    for model in models:
        manifest = inputs.manifest_of.get(model, {})
        rows.append(
            (
                model,
                INPUTS[input_class(inputs, model)][0],
                objective_text(inputs, model),
                len(manifest.get("members", [])) or None,
                manifest.get("n_parameters"),
                n_training(inputs, model),
                *(view.number(inputs, model, name, view.INFORMATION) for name in (first, *further)),
                *(view.transferred(inputs, model, name, view.INFORMATION) for name in further),
                *(view.number(inputs, model, first, key) for key in (view.GAIN, view.MI, view.COVERAGE)),
                None if model == reference else view.paired(inputs, model, reference, first, view.INFORMATION),
            )
        )
    settings = inputs.settings["evaluation"]
    return Table(
        name="headline",
        title="What each model knows about the energy",
        caption=(
            f"Sorted by information on the {title} muons: the mean gain in log2 of the probability of the true energy, "
            "over knowing the spectrum alone. Measured gain: resolution of the tracker alone minus that of tracker and "
            f"calorimeter combined muon by muon, mean over bins of {settings['e_min_gev']:g}–"
            f"{settings['e_max_gev']:g} GeV. MI: the same difference from the paper's formula. Coverage: muons whose "
            "true energy lies in the central 68.27 % of their density. Objective: weight of the squared error, W as in "
            "the paper. Errors: bootstrap over muons; differences to the reference are paired."
        ),
        columns=columns,
        rows=tuple(rows),
        notes=(
            "MI ranks objectives, not knowledge: compare it between models of the same objective only.",
            *(
                [
                    "Limit: an oracle that knows each muon's true losses and its position in each layer to 1 mm. "
                    "The losses alone are none: a model also sees the track bend."
                ]
                if len(rows) > len(models)
                else []
            ),
            "Published values, for another data set, stand in the table of published values.",
        ),
        highlight=(len(rows) - len(models) + models.index(reference),),
    )


_DIFFERENCES = ((view.INFORMATION, "Information"), (view.GAIN, "Measured gain"), (view.MI, "MI"))


def differences(inputs: ReportInputs) -> Table:
    """Paired differences of every model against the reference model."""
    reference, first = inputs.reference, view.ranking_sample(inputs)
    samples = (first, *view.further_samples(inputs))
    columns = [Column(key="model", label="Model", align="left")]
    for name in samples:
        for key, label in _DIFFERENCES if name == first else _DIFFERENCES[:1]:
            columns.append(Column(key=f"{key}_{name}", label=f"{label}, {sample_title(name)}", unit=view.UNIT[key]))
            if key == view.INFORMATION:
                columns.append(Column(key=f"sigma_{name}", label=f"Significance, {sample_title(name)}", unit="σ"))
    rows: list[tuple[Cell, ...]] = []
    for model in view.ranked(inputs):
        if model != reference:
            cells: list[Cell] = [model]
            for name in samples:
                for key, _ in _DIFFERENCES if name == first else _DIFFERENCES[:1]:
                    difference: Measured = view.paired(inputs, model, reference, name, key)
                    cells += [difference, significance(difference)] if key == view.INFORMATION else [difference]
            rows.append(tuple(cells))
    return Table(
        name="differences",
        title=f"Difference to {reference}",
        caption=(
            f"Number of the model minus that of {reference} on the same muons: both are evaluated on the same "
            "bootstrap draws, so what the same muons do to both cancels. Negative: worse than the reference."
        ),
        columns=tuple(columns),
        rows=tuple(rows),
        empty=None if rows else "only one model was run",
    )
