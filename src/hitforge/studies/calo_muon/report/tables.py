"""Tables of the chapter: results, data, models, training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hitforge.provenance import read_json
from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.reporting.chapter_parts import significance
from hitforge.reporting.evaluated import HELDOUT, evaluation_samples, sample_title
from hitforge.reporting.part_tables import bad_parts, cut_flow
from hitforge.reporting.training_tables import training, tuning
from hitforge.studies.calo_muon.published import PublishedResult, load_published
from hitforge.studies.calo_muon.report.data_tables import features
from hitforge.studies.calo_muon.report.model_tables import models
from hitforge.studies.calo_muon.report.names import TABLES

PUBLISHED_AS: Mapping[str, tuple[str | None, str | None]] = {
    # our model: (published singles, published ensemble)
    "cnn": ("full_singles", "full_ensemble"),
    "cnn_unique": ("unique_singles", "unique_ensemble"),
    "hl_only": ("no_cnn", None),
    "no_epass": ("no_e_pass", None),
    **{
        name: (name, None)
        for name in (
            "single_huber_bin", "batchwise_thresholds", "no_huber", "fixed_thresholds", "mse", "no_weights", "no_bn",
            "no_identity", "nominal_bn", "no_se", "no_pooling",
        )
    },
}  # fmt: skip
"""Which published variants a model repeats; models without a published counterpart are absent."""


def all_tables(inputs: ReportInputs) -> Sequence[Table]:
    """Return the tables of the chapter, in the order of :data:`names.TABLES`."""
    made = (
        headline(inputs),
        differences(inputs),
        resolution_heldout(inputs),
        resolution_test(inputs),
        cut_flow(inputs),
        bad_parts(inputs),
        models(inputs),
        training(inputs, "GeV", 2),
        tuning(inputs, "GeV", 2),
        features(inputs),
        published(inputs),
    )
    assert tuple(table.name for table in made) == TABLES
    return made


def percent(number: Mapping[str, Any] | None, absent: str = "not evaluated") -> Measured:
    """Return a fraction of a metrics file as percentage points."""
    return Measured.of(number, 100.0, absent)


def published_number(result: PublishedResult | None) -> Measured:
    """Return a published value with the decimals that were printed."""
    if result is None:
        return Measured(value=None, reason="no published counterpart")
    decimals = 2 if result.error is None else len(f"{result.error!r}".partition(".")[2])
    return Measured(value=result.percent, error=result.error, decimals=decimals)


def published_for(model: str) -> tuple[PublishedResult | None, PublishedResult | None]:
    """Return the published singles and ensemble that a model repeats."""
    source = load_published()
    singles, ensemble = PUBLISHED_AS.get(model, (None, None))
    return (source.find(singles) if singles else None, source.find(ensemble) if ensemble else None)


def headline(inputs: ReportInputs) -> Table:
    """One row for each model: mean improvement on held-out and test muons beside the published value."""
    samples = evaluation_samples(inputs)
    low, high = (inputs.settings["evaluation"][key] for key in ("e_min_gev", "e_max_gev"))
    columns = [
        Column(key="model", label="Model", align="left"),
        Column(key="kind", label="Kind", align="left"),
        Column(key="members", label="Members"),
        Column(key="parameters", label="Parameters"),
        Column(key="mi_heldout_singles", label="MI singles, held-out", unit="%"),
        *(Column(key=f"mi_{name}", label=f"MI {sample_title(name)}", unit="%") for name in samples),
        Column(key="max_combined_heldout", label="Worst energy bin, held-out", unit="%"),
        Column(key="published_singles", label="Published singles, other data", unit="%"),
        Column(key="published_ensemble", label="Published ensemble, other data", unit="%"),
    ]
    rows: list[tuple[Cell, ...]] = []
    for model, metrics in inputs.metrics_of.items():
        manifest = inputs.manifest_of.get(model, {})
        heldout = metrics["samples"].get(HELDOUT)
        singles, ensemble = published_for(model)
        rows.append(
            (
                model,
                manifest.get("kind", ""),
                len(manifest.get("members", [])) or None,
                manifest.get("n_parameters"),
                percent(heldout["singles"]["mean_improvement"]) if heldout else percent(None),
                *(
                    percent(metrics["samples"][name]["mean_improvement"])
                    if name in metrics["samples"]
                    else percent(None)
                    for name in samples
                ),
                percent(heldout["max_combined_resolution"]) if heldout else percent(None),
                published_number(singles) if singles else None,
                published_number(ensemble) if ensemble else None,
            )
        )
    return Table(
        name="headline",
        title="Mean improvement of each model",
        caption=(
            "MI is 100 times the mean over energy bins of tracker minus combined resolution, so larger is better; "
            f"{low:g}–{high:g} GeV, after the bias correction, "
            "ensemble unless it says singles. Errors: bootstrap over muons, "
            "for singles spread of the members / √M. Worst energy bin: the largest combined resolution."
        ),
        columns=tuple(columns),
        rows=tuple(rows),
        notes=(f"Published values come from {load_published().source}: Geant4, 862k muons, another data set.",),
        highlight=_reference_row(inputs),
    )


def _reference_row(inputs: ReportInputs) -> tuple[int, ...]:
    return (list(inputs.metrics_of).index(inputs.reference),)


def differences(inputs: ReportInputs) -> Table:
    """Paired differences of every model against the reference model."""
    reference, samples = inputs.reference, evaluation_samples(inputs)
    comparison = read_json(inputs.comparison)["samples"]
    found: dict[tuple[str, str], Measured] = {}
    for name in samples:
        for row in comparison.get(name, []):
            if row["quantity"] == "mean_improvement" and reference in (row["first"], row["second"]):
                other = row["second"] if row["first"] == reference else row["first"]
                sign = -100.0 if row["first"] == reference else 100.0
                found[other, name] = Measured.of(row["difference"], sign)
    columns = [Column(key="model", label="Model", align="left")]
    for name in samples:
        columns += [
            Column(key=f"difference_{name}", label=f"MI minus that of {reference}, {sample_title(name)}", unit="%"),
            Column(key=f"sigma_{name}", label=f"Significance, {sample_title(name)}", unit="σ"),
        ]
    rows = []
    for model in inputs.metrics_of:
        if model != reference:
            cells: list[Cell] = [model]
            for name in samples:
                difference = found.get((model, name), Measured(value=None, reason="not compared"))
                cells += [difference, significance(difference)]
            rows.append(tuple(cells))
    return Table(
        name="differences",
        title=f"Difference to {reference}",
        caption=(
            "Paired difference of the mean improvement: both models are evaluated on the same bootstrap draws, so "
            "what the same muons do to both cancels. Negative: worse than the reference."
        ),
        columns=tuple(columns),
        rows=tuple(rows),
        empty=None if rows else "only one model was run",
    )


_RESOLUTION_COLUMNS = (
    Column(key="n", label="Muons"),
    Column(key="bias_uncorrected", label="Bias before correction", unit="%"),
    Column(key="bias", label="Bias after", unit="%"),
    Column(key="resolution", label="Calorimeter", unit="%"),
    Column(key="tracker", label="Tracker", unit="%"),
    Column(key="combined", label="Combined", unit="%"),
)


def _resolution_cells(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    return (
        row["n"],
        percent(row["bias_uncorrected"]),
        percent(row["bias"]),
        percent(row["resolution"]),
        Measured(value=100.0 * row["tracker"], decimals=1),
        _two_decimals(percent(row["combined"])),
    )


def _two_decimals(number: Measured) -> Measured:
    """Limit the decimals where a tracker without error dominates and the error is tiny."""
    return number.model_copy(update={"decimals": 2}) if number.error is not None and number.error < 0.0355 else number


_RESOLUTION_CAPTION = (
    "Relative resolution, width and residual bias in quadrature, of the bias-corrected ensemble; the tracker is "
    "assumed, with a resolution proportional to energy. Bootstrap errors."
)


def resolution_heldout(inputs: ReportInputs) -> Table:
    """Bias and resolution of the reference model in bins of true energy."""
    sample = inputs.metrics_of[inputs.reference]["samples"].get(HELDOUT)
    rows = [
        (f"{row['low_gev']:.0f}–{row['high_gev']:.0f}", *_resolution_cells(row))
        for row in (sample or {"bins": []})["bins"]
    ]
    return Table(
        name="resolution_heldout",
        title=f"Resolution of {inputs.reference}, held-out muons",
        caption=_RESOLUTION_CAPTION,
        columns=(Column(key="energy", label="True energy", unit="GeV"), *_RESOLUTION_COLUMNS),
        rows=tuple(rows),
        empty=None if rows else "there are no held-out metrics",
    )


def resolution_test(inputs: ReportInputs) -> Table:
    """Bias and resolution of the reference model at the test samples' energies."""
    samples = inputs.metrics_of[inputs.reference]["samples"]
    rows: list[tuple[Cell, ...]] = []
    for name in evaluation_samples(inputs):
        if name != HELDOUT and name in samples:
            rows += [
                (name, Measured(value=row["energy_gev"], decimals=0), *_resolution_cells(row))
                for row in samples[name]["bins"]
            ]
    return Table(
        name="resolution_test",
        title=f"Resolution of {inputs.reference}, test muons",
        caption=_RESOLUTION_CAPTION,
        columns=(
            Column(key="sample", label="Sample", align="left"),
            Column(key="energy", label="True energy", unit="GeV"),
            *_RESOLUTION_COLUMNS,
        ),
        rows=tuple(rows),
        empty=None if rows else "no test sample was evaluated",
    )


def published(inputs: ReportInputs) -> Table:
    """All published values, each beside the model of this run that repeats it."""
    source = load_published()
    ours: dict[str, Measured] = {}
    for model, metrics in inputs.metrics_of.items():
        sample = metrics["samples"].get(HELDOUT)
        singles, ensemble = PUBLISHED_AS.get(model, (None, None))
        if sample and singles:
            ours[singles] = percent(sample["singles"]["mean_improvement"])
        if sample and ensemble:
            ours[ensemble] = percent(sample["mean_improvement"])
        if sample and model == "cnn_unique":
            ours["default"] = percent(sample["singles"]["mean_improvement"])
    rows = [
        (result.table, result.label, result.muons, published_number(result), ours.get(result.variant))
        for result in source.results
    ]
    return Table(
        name="published",
        title="Published mean improvements",
        caption=f"Held-out mean improvement as printed in {source.source}, and that of this run where it has one.",
        columns=(
            Column(key="table", label="Published table", align="left"),
            Column(key="variant", label="Variant", align="left"),
            Column(key="muons", label="Muons"),
            Column(key="published", label="MI published", unit="%"),
            Column(key="this_run", label="MI this run (other data)", unit="%"),
        ),
        rows=tuple(rows),
        notes=(
            "The published muons come from Geant4 and are another data set: agreement is not expected of other data or "
            "fewer muons.",
            "Ablations and singles are means over members; ensembles are printed without an error.",
        ),
    )
