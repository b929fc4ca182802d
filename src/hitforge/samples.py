"""Samples and parts: from sheet rows to stable part ids and stable blocks, without opening a file."""

from __future__ import annotations

import csv
import glob
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hitforge.config import NAME, ConfigError, SampleSettings


@dataclass(frozen=True)
class Part:
    """One ROOT file of a sample.

    ``source`` is a path, a ``root://`` URL, a ``file.hdf5#fold_3`` address, or None for a part to simulate.
    """

    id: str
    source: str | None
    index: int

    @property
    def is_local(self) -> bool:
        """Whether the source is a file that this machine can stat."""
        return self.source is not None and "://" not in self.source

    @property
    def local_path(self) -> str:
        """Path of a local source, without the fold address of a fold file."""
        assert self.source is not None
        return self.source.split("#", 1)[0]


def part_id(name: str) -> str:
    """Return ``<sanitised stem>-<8 hex digits of the whole relative name>``: stable and safe as a file name."""
    stem = re.sub(r"[^A-Za-z0-9_]+", "_", PurePosixPath(name).stem).strip("_") or "part"
    return f"{stem[:60]}-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"


def _expand(source: str, folds: int | None) -> list[tuple[str, str]]:
    """Return (name relative to the sheet row, address) of each file of one source."""
    source = _expand_variables(source)
    if "://" in source:
        return [(source.rsplit("/", 1)[1], source)]
    if Path(source).suffix == ".npz" and folds is not None:
        return [(f"slice_{k}", f"{source}#slice_{k}_of_{folds}") for k in range(folds)]
    if Path(source).suffix in {".hdf5", ".h5"}:
        if folds is None:
            raise ConfigError(f"{source}: a fold file needs 'parts', its number of folds")
        return [(f"fold_{fold}", f"{source}#fold_{fold}") for fold in range(folds)]
    if not glob.has_magic(source):
        return [(Path(source).name, source)]
    # names are relative to the folder above the first wildcard, so that moving the data keeps the ids
    fixed = Path(*Path(source).parts[: _first_magic(source)])
    found = sorted(glob.glob(source, recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
    if not found:
        raise ConfigError(f"{source}: the pattern matches no file; check the path in the sample's 'source'")
    return [(str(Path(path).relative_to(fixed)), path) for path in found]


def _expand_variables(source: str) -> str:
    expanded = os.path.expandvars(source)
    if "$" in expanded:
        variable = re.sub(r".*\$\{?(\w+).*", r"\1", expanded)
        raise ConfigError(f"source {source!r}: environment variable {variable} is not set; export it")
    return expanded


def _first_magic(pattern: str) -> int:
    return next(i for i, piece in enumerate(Path(pattern).parts) if glob.has_magic(piece))


def list_parts(sample_name: str, sample: SampleSettings) -> list[Part]:
    """Return the parts of a sample, sorted by id.

    Raises
    ------
    ConfigError
        A pattern without files, or two sources with the same id.
    """
    if sample.source == "simulate":
        assert sample.parts is not None
        parts = [Part(part_id(f"sim_{index:04d}.root"), None, index) for index in range(sample.parts)]
    else:
        addresses = [pair for source in sample.sources for pair in _expand(source, sample.parts)]
        parts = [Part(part_id(name), address, i) for i, (name, address) in enumerate(addresses)]
    by_id: dict[str, Part] = {}
    for part in parts:
        if part.id in by_id:
            raise ConfigError(
                f"sample {sample_name!r}: {by_id[part.id].source} and {part.source} have the same name; "
                "give each its own folder under one pattern, or rename one"
            )
        by_id[part.id] = part
    return sorted(parts, key=lambda part: part.id)


def assign_blocks(parts: Sequence[Part], n_blocks: int) -> dict[str, list[Part]]:
    """Group parts into at most ``n_blocks`` blocks, the unit of a batch job.

    A part's block follows from its id and the fixed number of blocks alone, so adding parts moves none.
    """
    blocks: dict[str, list[Part]] = {}
    for part in parts:
        number = int.from_bytes(hashlib.blake2b(part.id.encode(), digest_size=8).digest(), "big") % n_blocks
        blocks.setdefault(f"b{number:03d}", []).append(part)
    return dict(sorted(blocks.items()))


def read_sheet(path: Path) -> dict[str, dict[str, Any]]:
    """Read ``samples.tsv``: study -> sample -> settings; several rows of one sample add their sources.

    Raises
    ------
    ConfigError
        A column is missing, a name would not be safe in a path, or rows of one sample disagree.
    """
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader((line for line in handle if not line.startswith("#")), delimiter="\t"))
    sheet: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=1):
        missing = [column for column in ("study", "sample", "role", "source") if not row.get(column)]
        if missing:
            raise ConfigError(f"{path}, row {number}: column {missing[0]!r} is missing or empty")
        for column in ("study", "sample"):
            if not re.match(NAME, row[column]):
                raise ConfigError(f"{path}, row {number}: {column} {row[column]!r} may hold letters, digits, - and _")
        samples = sheet.setdefault(row["study"], {})
        entry = _sheet_entry(row)
        if row["sample"] in samples:
            other = samples[row["sample"]]
            if other["role"] != entry["role"] or "simulate" in (other["source"], entry["source"]):
                raise ConfigError(f"{path}, row {number}: sample {row['sample']!r} disagrees with an earlier row")
            other["source"] = (*_as_tuple(other["source"]), *_as_tuple(entry["source"]))
        else:
            samples[row["sample"]] = entry
    return sheet


def _as_tuple(source: str | tuple[str, ...]) -> tuple[str, ...]:
    return (source,) if isinstance(source, str) else source


def _sheet_entry(row: Mapping[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"role": row["role"], "source": row["source"]}
    for column, key in (("n_parts", "parts"), ("n_events", "events_per_part")):
        if row.get(column):
            entry[key] = int(row[column])
    if row.get("spectrum"):
        entry["spectrum"] = row["spectrum"]
    return entry
