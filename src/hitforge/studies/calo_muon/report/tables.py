"""Tables of the chapter: all of them in order, and those of resolutions and published values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.reporting.evaluated import HELDOUT, evaluation_samples, sample_title
from hitforge.reporting.part_tables import bad_parts, cut_flow
from hitforge.reporting.training_tables import training, tuning
from hitforge.studies.calo_muon.published import PublishedResult, load_published
from hitforge.studies.calo_muon.report import view
from hitforge.studies.calo_muon.report.data_tables import features
from hitforge.studies.calo_muon.report.headline_tables import differences, headline
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
        measured(inputs),
        resolution(inputs),
        cut_flow(inputs),
        bad_parts(inputs),
        models(inputs),
        # each objective has a unit of its own
        training(inputs, ""),
        tuning(inputs, ""),
        features(inputs),
        published(inputs),
    )
    assert tuple(table.name for table in made) == TABLES
    return made


def measured(inputs: ReportInputs) -> Table:
    """Tracker alone and tracker with calorimeter, muon by muon, at each energy: the model that knows most."""
    model = view.best(inputs)
    samples = (view.ranking_sample(inputs), *view.further_samples(inputs))
    rows = tuple(
        (
            sample_title(name),
            view.energy_text(row),
            row["n"],
            *(view.binned(row, key, 100.0) for key in ("tracker", "combined", "combined_bias")),
            view.binned(row, "bits", 1.0),
        )
        for name in samples
        for row in view.measured_bins(inputs, model, name)
    )
    return Table(
        name="measured",
        title=f"Tracker alone and combined with {model}, muon by muon",
        caption=(
            "Each muon gets one simulated tracker measurement; the median of its posterior, with and without the "
            "calorimeter's density, is the energy. Resolution: half width of the central 68 % and bias in quadrature."
        ),
        columns=(
            Column(key="sample", label="Sample", align="left"),
            Column(key="energy", label="True energy", unit="GeV"),
            Column(key="n", label="Muons"),
            Column(key="tracker", label="Tracker alone", unit="%"),
            Column(key="combined", label="Combined", unit="%"),
            Column(key="combined_bias", label="Bias of the combined", unit="%"),
            Column(key="bits", label="Information", unit="bit"),
        ),
        rows=rows,
        empty=None if rows else f"the metrics of {model} hold no resolutions muon by muon",
    )


def resolution(inputs: ReportInputs) -> Table:
    """Bias and resolution of the reference model as the paper defines them, for each evaluated sample."""
    samples = inputs.metrics_of[inputs.reference]["samples"]
    rows = tuple(
        (sample_title(name), view.energy_text(row), *_resolution_cells(row))
        for name in evaluation_samples(inputs)
        if name in samples
        for row in samples[name]["bins"]
    )
    return Table(
        name="resolution",
        title=f"Resolution of {inputs.reference} by the paper's formula",
        caption=(
            "Relative resolution, width and residual bias in quadrature, of the bias-corrected ensemble; the tracker "
            "is assumed, with a resolution proportional to energy. Bootstrap errors."
        ),
        columns=(
            Column(key="sample", label="Sample", align="left"),
            Column(key="energy", label="True energy", unit="GeV"),
            Column(key="n", label="Muons"),
            Column(key="bias_uncorrected", label="Bias before correction", unit="%"),
            Column(key="bias", label="Bias after", unit="%"),
            Column(key="resolution", label="Calorimeter", unit="%"),
            Column(key="tracker", label="Tracker", unit="%"),
            Column(key="combined", label="Combined", unit="%"),
        ),
        rows=rows,
        empty=None if rows else f"{inputs.reference} was not evaluated",
    )


def _resolution_cells(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    numbers = [view.binned(row, key, 100.0) for key in ("bias_uncorrected", "bias", "resolution")]
    tracker = Measured(value=100.0 * row["tracker"], decimals=1)
    return (row["n"], *numbers, tracker, view.binned(row, "combined", 100.0))


def published(inputs: ReportInputs) -> Table:
    """All published values, each beside the model of this run that repeats it."""
    source = load_published()
    ours: dict[str, Measured] = {}
    for model, metrics in inputs.metrics_of.items():
        singles, ensemble = PUBLISHED_AS.get(model, (None, None))
        if HELDOUT in metrics["samples"]:
            mean = Measured.of(metrics["samples"][HELDOUT]["singles"]["mean_improvement"], view.SCALE[view.MI])
            if singles:
                ours[singles] = mean
            if ensemble:
                ours[ensemble] = view.number(inputs, model, HELDOUT, view.MI)
            if model == "cnn_unique":
                ours["default"] = mean
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
            Column(key="published", label="MI published", unit="pp"),
            Column(key="this_run", label="MI this run (other data)", unit="pp"),
        ),
        rows=tuple(rows),
        notes=(
            "The published muons come from Geant4 and are another data set: agreement is not expected of other data or "
            "fewer muons, and a larger number is no better result.",
            "Ablations and singles are means over members; ensembles are printed without an error.",
        ),
    )


def published_number(result: PublishedResult) -> Measured:
    """Return a published value with the decimals that were printed."""
    decimals = 2 if result.error is None else len(f"{result.error!r}".partition(".")[2])
    return Measured(value=result.percent, error=result.error, decimals=decimals)
