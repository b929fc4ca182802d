"""Tables as a HEPData submission: ``submission.yaml`` and a data file for each table.

Columns with errors are dependent variables, all others independent ones. Format: hepdata-submission.readthedocs.io.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

import hitforge
from hitforge.provenance import OutputError, write_text
from hitforge.reporting.chapter import Cell, Column, Measured, Table

MISSING: Final = "-"
"""HEPData's sign for a number that is not there."""

_RANGE = re.compile(r"([\d.]+)–([\d.]+)")
_EDGES: Final = ("low", "high")


def is_submitted(table: Table) -> bool:
    """Return whether a table holds anything that was measured, and a column that says where."""
    dependent = _dependent(table)
    return bool(dependent) and len(dependent) < len(table.columns)


def data_file(table: Table, study: str) -> dict[str, Any]:
    """Return the content of the data file of a table."""
    dependent = _dependent(table)
    qualifiers = [{"name": "Study", "value": study}, {"name": "Software", "value": f"hitforge {hitforge.__version__}"}]
    return {
        "independent_variables": _independent(table, [i for i in range(len(table.columns)) if i not in dependent]),
        "dependent_variables": [
            {
                "header": _header(table.columns[i], table.columns[i].label),
                "qualifiers": qualifiers,
                "values": [_measured(row[i]) for row in table.rows],
            }
            for i in dependent
        ],
    }


def write_submission(tables: Sequence[Table], study: str, folder: Path) -> None:
    """Write a submission of tables that have something to submit to a new folder.

    Raises
    ------
    OutputError
        The folder holds something: a file that is not of the submission would make it invalid.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder}: is there and not empty; fix: name a new folder, or delete it")
    documents: list[dict[str, Any]] = [
        {"comment": f"Tables of study {study}, made by hitforge {hitforge.__version__}."}
    ]
    for table in tables:
        name = f"{table.name}.yaml"
        write_text(folder / name, to_yaml(data_file(table, study)))
        reasons = dict.fromkeys(
            cell.reason for row in table.rows for cell in row if isinstance(cell, Measured) and cell.reason
        )
        absent = [f"Missing numbers: {'; '.join(reasons)}."] if reasons else []
        documents.append(
            {
                "name": table.name.replace("_", " "),
                "description": " ".join([f"{table.title}.", table.caption, *table.notes, *absent]),
                "location": f"hitforge report, chapter {study}, table {table.name}",
                "keywords": [],
                "data_file": name,
            }
        )
    # last: a submission without it is none
    write_text(folder / "submission.yaml", "".join(f"---\n{to_yaml(document)}" for document in documents))


def to_yaml(content: dict[str, Any]) -> str:
    """Return YAML with the keys in their order."""
    # a copy of its own for each place: no anchors, which other programs may not know
    apart = json.loads(json.dumps(content, allow_nan=False))
    text: str = yaml.safe_dump(apart, sort_keys=False, allow_unicode=True, width=120)
    return text


def _dependent(table: Table) -> list[int]:
    """Return the columns with measured numbers."""
    return [i for i in range(len(table.columns)) if any(isinstance(row[i], Measured) for row in table.rows)]


def _independent(table: Table, columns: Sequence[int]) -> list[dict[str, Any]]:
    keys = {table.columns[i].key: i for i in columns}
    found = []
    for i in columns:
        about, cells = table.columns[i], [row[i] for row in table.rows]
        values = [_range(cell) or {"value": MISSING if cell is None else _number(cell)} for cell in cells]
        label = about.label
        if set(_EDGES) <= set(keys):
            if about.key == "high":
                continue
            if about.key == "low":
                label = label.removesuffix(" from")
                ends = zip(cells, (row[keys["high"]] for row in table.rows), strict=True)
                values = [{"low": _number(low), "high": _number(high)} for low, high in ends]
        found.append({"header": _header(about, label), "values": values})
    return found


def _header(about: Column, label: str) -> dict[str, str]:
    return {"name": label} | ({"units": about.unit} if about.unit else {})


def _range(cell: Cell) -> dict[str, Any] | None:
    """Return the edges of a bin that a table writes as text."""
    match = _RANGE.fullmatch(cell) if isinstance(cell, str) else None
    return match and {"low": float(match[1]), "high": float(match[2])}


def _measured(cell: Cell) -> dict[str, Any]:
    number = cell if isinstance(cell, Measured) else Measured(value=None)
    if number.value is None:
        return {"value": MISSING}
    # HEPData takes no error of zero: of a share of nothing or of all, for example
    errors = [{"symerror": _number(number.error), "label": "uncertainty"}] if number.error else []
    return {"value": _number(number.value)} | ({"errors": errors} if errors else {})


def _number(value: Any) -> Any:
    # as in the CSV files: beyond any error here, and free of binary tails
    return float(f"{value:.10g}") if isinstance(value, float) else value
