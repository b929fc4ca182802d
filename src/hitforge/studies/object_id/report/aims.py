"""The aims of the study, each against what this run measured."""

from __future__ import annotations

from collections.abc import Iterator

from hitforge.reporting.chapter import Column, Measured, ReportInputs, Table
from hitforge.reporting.metrics import SIGMAS, sample_title, shown_sample, verdict
from hitforge.studies.object_id.data.objects import CLASS_NAMES
from hitforge.studies.object_id.report.result_tables import difference, headline_of

RECALLS = {"electron": 97.0, "muon": 97.0, "jet": 90.0, "tau": 80.0}
ORDER = (("hgb", "logreg-T", 25.0), ("ens5", "seed-cnn", 0.0), ("seed-cnn", "hgb", -2.0))
"""First model, second model, and the least difference of their balanced accuracies in points."""


def aims(inputs: ReportInputs) -> Table:
    """Which aims are met; an aim within two errors of its limit is neither met nor missed."""
    rows = tuple((aim, model, number, verdict(number)) for aim, model, number in _aims(inputs))
    return Table(
        name="aims",
        title="Aims",
        caption=(
            f"On the {sample_title(shown_sample(inputs))} objects of this run, the distance to the aim's limit with "
            f"its bootstrap error; an aim is open within {SIGMAS:g} errors of the limit. The aims were set before any "
            "model was trained."
        ),
        columns=(
            Column(key="aim", label="Aim", align="left", wide=True),
            Column(key="model", label="Model", align="left"),
            Column(key="distance", label="Measured minus limit", unit="%"),
            Column(key="verdict", label="Verdict", align="left"),
        ),
        rows=rows,
    )


def _aims(inputs: ReportInputs) -> Iterator[tuple[str, str, Measured]]:
    for first, second, least in ORDER:
        if least < 0:
            limit = f"at most {-least:g} points below"
        else:
            limit = f"at least {least:g} points above" if least else "at least that of"
        aim = f"balanced accuracy {limit} {second}"
        yield aim, first, _shifted(difference(inputs, first, second), least)
    numbers = headline_of(inputs, "ens5")
    for name in CLASS_NAMES:
        number = numbers.get(f"recall_{name}", Measured(value=None, reason="ens5 was not run"))
        yield f"recall of {name} above {RECALLS[name]:g} %", "ens5", _shifted(number, RECALLS[name])


def _shifted(number: Measured, limit: float) -> Measured:
    return number if number.value is None else number.model_copy(update={"value": number.value - limit})
