"""The aims of the study, each against what this run measured."""

from __future__ import annotations

from collections.abc import Iterator

from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.reporting.evaluated import SIGMAS, sample_title, shown_sample, verdict
from hitforge.studies.csc_muon.report.result_tables import headline_of, paired_differences
from hitforge.studies.csc_muon.report.view import comparison_of

_LOOKUP, _TREES = "dphi-lut", "hgb"
_FIXED, _RAW, _CSC_ONLY = "hgb-fixed", "hgb-fixed-raw-phi", "hgb-fixed-csc-only"


def aims(inputs: ReportInputs) -> Table:
    """Which aims are met; an aim within two errors of its limit is neither met nor missed."""
    rows = tuple(
        (aim, limit, model, number, verdict(number, sign)) for aim, limit, model, number, sign in _aims(inputs)
    )
    return Table(
        name="aims",
        title="Aims",
        caption=(
            f"On the {sample_title(shown_sample(inputs))} muons of this run, the distance to the aim's limit with its "
            f"bootstrap error; an aim is open within {SIGMAS:g} errors of the limit. The aims were set for a million "
            "generated roads and more, before any model was trained."
        ),
        columns=(
            Column(key="aim", label="Aim", align="left", wide=True),
            Column(key="limit", label="Limit", align="left"),
            Column(key="model", label="Model", align="left"),
            Column(key="distance", label="Measured minus limit"),
            Column(key="verdict", label="Verdict", align="left"),
        ),
        rows=rows,
    )


def _aims(inputs: ReportInputs) -> Iterator[tuple[str, Cell, str, Measured, float]]:
    """Yield aim, limit as printed, model, distance to the limit and the sign of a distance that meets it."""
    reference = inputs.reference
    for aim, model, quantity, limit, sign in (
        ("RMSE of q/pT [1/GeV], all planes", reference, "rmse_q_over_pt", 0.033, -1.0),
        ("RMSE of q/pT [1/GeV], CSC alone", _CSC_ONLY, "rmse_q_over_pt", 0.038, -1.0),
        ("accuracy of four classes [%]", reference, "accuracy", 94.0, 1.0),
        ("median |ΔpT|/pT at 20 GeV [%]", reference, "median_20gev", 15.0, -1.0),
        ("wrong charge [%]", reference, "charge_misid", 0.6, -1.0),
    ):
        number = headline_of(inputs, model).get(quantity, Measured(value=None, reason=f"{model} was not run"))
        if number.value is not None:
            number = number.model_copy(update={"value": number.value - limit})
        yield aim, f"{'≤' if sign < 0 else '≥'} {limit:g}", model, number, sign
    pairs = paired_differences(comparison_of(inputs))
    for aim, model, other, quantity in (
        ("lower rate than the lookup table", reference, _LOOKUP, "rate"),
        ("differences of phi beat raw phi, RMSE of 1/pT [1/GeV]", _FIXED, _RAW, "rmse_inverse_pt"),
        ("at least as good as our trees, RMSE of 1/pT [1/GeV]", reference, _TREES, "rmse_inverse_pt"),
    ):
        absent = Measured(value=None, reason=f"{model} and {other} were not both run")
        yield aim, f"that of {other}", model, pairs.get((model, other, quantity), absent), -1.0
