"""The sample sheet, a table that spreadsheets write too: what is harmless is read, all else names row and column."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hitforge.config import NAME, study_files
from hitforge.yaml_files import ConfigError, read_text

_REQUIRED = ("study", "sample", "role", "source")
# column of the sheet -> key of a sample
_NUMBERS = {"n_parts": "parts", "n_events": "events_per_part"}
_COLUMNS = (*_REQUIRED, *_NUMBERS, "spectrum")
_ROLES = ("train", "test")
_WHOLE = re.compile(r"(\d+)(\.0*)?")  # a spreadsheet's 200.0 is 200


def read_sheet(path: Path) -> dict[str, dict[str, Any]]:
    """Read ``samples.tsv``: study -> sample -> settings; several rows of one sample add their sources.

    Accepted are a byte order mark, quotes, semicolons or commas instead of tabs, blanks around words, empty lines,
    empty columns and whole numbers that are written with a decimal point.

    Raises
    ------
    ConfigError
        The sheet cannot be read, a column is unknown, missing or twice, a value is not what its column holds, a study
        is not known, or rows of one sample disagree; the message names sheet, row and column.
    """
    known = study_files()
    sheet: dict[str, dict[str, Any]] = {}
    for place, row in _rows(path):
        missing = [column for column in _REQUIRED if not row.get(column)]
        if missing:
            raise ConfigError(f"{place}: column {missing[0]!r} is missing or empty")
        for column in ("study", "sample"):
            if not re.fullmatch(NAME, row[column]):
                raise ConfigError(f"{place}: column {column!r}: {row[column]!r} may hold letters, digits, - and _")
        if row["study"] not in known:
            raise ConfigError(
                f"{place}: column 'study': {row['study']!r} is not known; known: {', '.join(sorted(known))}"
            )
        if row["role"] not in _ROLES:
            raise ConfigError(f"{place}: column 'role': {row['role']!r} has to be {' or '.join(_ROLES)}")
        samples = sheet.setdefault(row["study"], {})
        entry = _entry(place, row)
        if row["sample"] in samples:
            _add(place, row["sample"], samples[row["sample"]], entry)
        else:
            samples[row["sample"]] = entry
    if not sheet:
        raise ConfigError(f"{path}: the sheet has no row below its columns")
    return sheet


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the place in words and the filled cells of each row by column."""
    # each line with its number; comments and what a spreadsheet leaves of an empty row do not count as rows
    lines = [
        (number, line)
        for number, line in enumerate(re.split(r"\r\n|\n|\r", read_text(path)), start=1)
        if not line.startswith(("#", '"#')) and line.strip(' \t;,"')
    ]
    if not lines:
        raise ConfigError(f"{path}: the sheet is empty; its columns are: {', '.join(_COLUMNS)}")
    delimiter = max("\t;,", key=lines[0][1].count)
    header = _cells(f"{path}, line {lines[0][0]}", lines[0][1], delimiter)
    while header and not header[-1]:
        header.pop()
    for column in header:
        if column not in _COLUMNS:
            raise ConfigError(f"{path}: column {column!r} is not known; known: {', '.join(_COLUMNS)}")
        if header.count(column) > 1:
            raise ConfigError(f"{path}: column {column!r} stands twice")
    for row, (number, line) in enumerate(lines[1:], start=1):
        place = f"{path}, row {row} (line {number})"
        cells = _cells(place, line, delimiter)
        beyond = [cell for cell in cells[len(header) :] if cell]
        if beyond:
            raise ConfigError(f"{place}: {beyond[0]!r} stands beyond the last column, {header[-1]!r}")
        yield place, dict(zip(header, cells, strict=False))


def _cells(place: str, line: str, delimiter: str) -> list[str]:
    try:
        (cells,) = csv.reader([line], delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise ConfigError(f"{place}: the quotes do not close ({error})") from error
    return [cell.strip() for cell in cells]


def _add(place: str, name: str, earlier: dict[str, Any], entry: Mapping[str, Any]) -> None:
    """Add the source of another row to a sample."""
    for key in {*earlier, *entry} - {"source"}:
        if earlier.get(key) != entry.get(key):
            raise ConfigError(
                f"{place}: sample {name!r} disagrees with an earlier row: {key} is {entry.get(key)}, "
                f"there {earlier.get(key)}"
            )
    sources = (*_as_tuple(earlier["source"]), *_as_tuple(entry["source"]))
    if "simulate" in sources:
        raise ConfigError(f"{place}: sample {name!r} disagrees with an earlier row: a simulated sample has one row")
    earlier["source"] = sources


def _as_tuple(source: str | tuple[str, ...]) -> tuple[str, ...]:
    return (source,) if isinstance(source, str) else source


def _entry(place: str, row: Mapping[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"role": row["role"], "source": row["source"]}
    for column, key in _NUMBERS.items():
        if row.get(column):
            whole = _WHOLE.fullmatch(row[column])
            if whole is None or int(whole[1]) == 0:
                raise ConfigError(f"{place}: column {column!r}: {row[column]!r} is not a whole number above 0")
            entry[key] = int(whole[1])
    if row.get("spectrum"):
        entry["spectrum"] = row["spectrum"]
    return entry
