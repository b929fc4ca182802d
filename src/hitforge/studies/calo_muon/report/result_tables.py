"""Tables of the results: what every model knows, differences to the reference model, resolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hitforge.reporting import difference_table
from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table, column, make_table, text_column
from hitforge.reporting.metrics import evaluation_samples, sample_title
from hitforge.studies.calo_muon.report import view
from hitforge.studies.calo_muon.report.model_view import INPUTS, input_class, n_training, objective_text

_LIMIT_NAMES = dict(zip(view.LIMITS, ("losses alone", "limit"), strict=True))


def headline(inputs: ReportInputs) -> Table:
    """One row for each model, the one that knows most first, under the limit where it is known."""
    first, further = view.ranking_sample(inputs), view.further_samples(inputs)
    reference, title, settings = inputs.reference, sample_title(first), inputs.settings["evaluation"]
    limits = [
        key for key in view.LIMITS if any(view.limit(inputs, s, key).value is not None for s in (first, *further))
    ]

    def of_models(value: Callable[[str], Cell]) -> Callable[[str], Cell]:
        return lambda row: None if row in limits else value(row)

    def information(sample: str) -> Callable[[str], Cell]:
        return lambda row: (
            view.limit(inputs, sample, row) if row in limits else view.number(inputs, row, sample, view.INFORMATION)
        )

    def transferred(sample: str) -> Callable[[str], Cell]:
        return of_models(lambda model: view.transferred(inputs, model, sample, view.INFORMATION))

    def number(key: str) -> Callable[[str], Cell]:
        return of_models(lambda model: view.number(inputs, model, first, key))

    def manifest(model: str) -> Any:
        return inputs.manifest_of.get(model, {})

    def minus_reference(model: str) -> Cell:
        return None if model == reference else view.paired(inputs, model, reference, first, view.INFORMATION)

    return make_table(
        "headline",
        "What each model knows about the energy",
        f"Sorted by information on the {title} muons: the mean gain in log2 of the probability of the true energy, "
        "over knowing the spectrum alone. Measured gain: resolution of the tracker alone minus that of tracker and "
        f"calorimeter combined muon by muon, mean over bins of {settings['e_min_gev']:g}–"
        f"{settings['e_max_gev']:g} GeV. MI: the same difference from the paper's formula. Coverage: muons whose "
        "true energy lies in the central 68.27 % of their density. Objective: weight of the squared error, W as in "
        "the paper. Errors: bootstrap over muons; differences to the reference are paired.",
        (
            text_column("model", "Model", lambda row: _LIMIT_NAMES[row] if row in limits else row),
            text_column(
                "inputs",
                "Inputs",
                lambda row: view.LIMITS[row] if row in limits else INPUTS[input_class(inputs, row)],
                detail=True,
            ),
            text_column("objective", "Objective", lambda row: "" if row in limits else objective_text(inputs, row)),
            column(
                "members", "Members", of_models(lambda model: len(manifest(model).get("members", [])) or None),
                detail=True,
            ),
            column("parameters", "Parameters", of_models(lambda m: manifest(m).get("n_parameters")), detail=True),
            column("trained_on", "Trained on (muons)", of_models(lambda model: n_training(inputs, model)), detail=True),
            column(f"information_{first}", f"Information, {title}", information(first), "bit"),
            *(column(f"information_{name}", f"Information, {name}", information(name), "bit") for name in further),
            *(column(f"transfer_{s}", f"{s} − {title}", transferred(s), "bit", detail=True) for s in further),
            column(f"gain_{first}", f"Measured gain, {title}", number(view.GAIN), "pp"),
            column(f"mi_{first}", f"MI (the paper's), {title}", number(view.MI), "pp"),
            column(f"coverage_{first}", f"Coverage of 68 %, {title}", number(view.COVERAGE), "%", detail=True),
            column(
                "minus_reference", f"Information minus that of {reference}", of_models(minus_reference), "bit",
                detail=True,
            ),
        ),
        [*limits, *view.ranked(inputs)],
        notes=(
            "MI ranks objectives, not knowledge: compare it between models of the same objective only.",
            *(
                [
                    "Limit: an oracle that knows each muon's true losses and its position in each layer to 1 mm. "
                    "The losses alone are none: a model also sees the track bend."
                ]
                if limits
                else []
            ),
            "Published values, for another data set, stand in the table of published values.",
        ),
        highlight=lambda row: bool(row == reference),
    )  # fmt: skip


def differences(inputs: ReportInputs) -> Table:
    """Paired differences of every model to the reference model."""
    return difference_table.differences(
        inputs,
        {view.INFORMATION: ("Information", "bit"), view.GAIN: ("Measured gain", "pp"), view.MI: ("MI", "pp")},
        samples=(view.ranking_sample(inputs), *view.further_samples(inputs)),
        models=view.ranked(inputs),
        note="Positive: better than the reference.",
    )


def _in_bins(*columns: Column) -> tuple[Column, ...]:
    """Return the columns of a table whose rows are a sample's name and the metrics of an energy bin."""
    return (
        text_column("sample", "Sample", lambda row: sample_title(row[0])),
        column("energy", "True energy", lambda row: view.energy_text(row[1]), "GeV"),
        column("n", "Muons", lambda row: row[1]["n"]),
        *columns,
    )


def _number(key: str, label: str, unit: str = "%") -> Column:
    return column(key, label, lambda row: view.binned(row[1], key, 100.0 if unit == "%" else 1.0), unit)


def measured(inputs: ReportInputs) -> Table:
    """Tracker alone and tracker with calorimeter, muon by muon, at each energy: the model that knows most."""
    model = view.best(inputs)
    return make_table(
        "measured",
        f"Tracker alone and combined with {model}, muon by muon",
        "Each muon gets one simulated tracker measurement; the median of its posterior, with and without the "
        "calorimeter's density, is the energy. Resolution: half width of the central 68 % and bias in quadrature.",
        _in_bins(
            _number("tracker", "Tracker alone"),
            _number("combined", "Combined"),
            _number("combined_bias", "Bias of the combined"),
            _number("bits", "Information", "bit"),
        ),
        [
            (name, row)
            for name in (view.ranking_sample(inputs), *view.further_samples(inputs))
            for row in view.measured_bins(inputs, model, name)
        ],
        empty=f"the metrics of {model} hold no resolutions muon by muon",
    )


def resolution(inputs: ReportInputs) -> Table:
    """Bias and resolution of the reference model as the paper defines them, for each evaluated sample."""
    samples = inputs.metrics_of[inputs.reference]["samples"]
    return make_table(
        "resolution",
        f"Resolution of {inputs.reference} by the paper's formula",
        "Relative resolution, width and residual bias in quadrature, of the bias-corrected ensemble; the tracker "
        "is assumed, with a resolution proportional to energy. Bootstrap errors.",
        _in_bins(
            _number("bias_uncorrected", "Bias before correction"),
            _number("bias", "Bias after"),
            _number("resolution", "Calorimeter"),
            column("tracker", "Tracker", lambda row: Measured(value=100.0 * row[1]["tracker"], decimals=1), "%"),
            _number("combined", "Combined"),
        ),
        [(name, row) for name in evaluation_samples(inputs) if name in samples for row in samples[name]["bins"]],
        empty=f"{inputs.reference} was not evaluated",
    )
