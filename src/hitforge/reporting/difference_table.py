"""The table of paired differences to the reference model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

from hitforge.reporting.chapter import Cell, ReportInputs, Table, column, make_table, text_column
from hitforge.reporting.metrics import difference, sample_title, shown_sample, significance
from hitforge.reporting.numbers import unit_of_difference

Restriction = Mapping[str, Any]


def differences(
    inputs: ReportInputs,
    quantities: Mapping[str, tuple[str, str]],
    samples: Sequence[str] = (),
    across: Mapping[str, Restriction] | None = None,
    down: tuple[str, Mapping[str, Restriction]] | None = None,
    models: Sequence[str] = (),
    note: str = "",
) -> Table:
    """Each model minus the reference model, with the significance beside each number.

    Parameters
    ----------
    quantities : mapping of quantity to title and unit
        Those of fractions are times 100 where the unit is ``%``, which makes the difference one of percentage points.
    samples, models : sequence of str, optional
        Samples side by side, the shown one alone otherwise; and models in another order than that of the report.
    across : mapping of title to restriction, optional
        Restrictions of the events side by side, such as categories.
    down : tuple of column title and mapping of title to restriction, optional
        Restrictions below each other, such as selections: a row of each model for each.
    note : str
        What a positive difference means, at the end of the caption.
    """
    samples = samples or (shown_sample(inputs),)
    heading, restrictions = down or ("", {"": {}})

    def compared(quantity: str, sample: str, where: Restriction, row: tuple[str, str], in_errors: bool = False) -> Cell:
        scale = 100.0 if quantities[quantity][1] in ("%", "pp") else 1.0
        where = {**where, **restrictions[row[1]]}
        found = difference(inputs, row[0], inputs.reference, quantity, where, scale, sample)
        return significance(found) if in_errors else found

    columns = [text_column("model", "Model", lambda row: row[0])]
    if heading:
        columns.append(text_column(_key(heading), heading, lambda row: row[1]))
    for sample, (title, where), quantity in product(samples, (across or {"": {}}).items(), quantities):
        label, unit = quantities[quantity]
        place = [title] * bool(title) + [sample_title(sample)] * (len(samples) > 1)
        number = partial(compared, quantity, sample, where)
        words, key = ", ".join((label, *place)), _key(quantity, *place)
        columns += [
            column(key, words, number, unit_of_difference(unit)),
            column(f"{key}_sigma", f"Significance, {words}", partial(number, in_errors=True), "σ", detail=True),
        ]
    return make_table(
        "differences",
        f"Difference to {inputs.reference}",
        f"Each model minus {inputs.reference} on the same {' and '.join(map(sample_title, samples))} events and the "
        f"same bootstrap draws: what these events do to both cancels. {note}".rstrip(),
        columns,
        [(model, title) for model in models or inputs.metrics if model != inputs.reference for title in restrictions],
        empty="only one model was run",
    )


def _key(*words: str) -> str:
    """Return a column's key: small letters, digits and underscores."""
    return "_".join("".join(c if c.isalnum() else " " for c in " ".join(words).lower()).split())
