"""Are two productions the same? ``python -m tests.compare_runs RESULTS_A RESULTS_B`` compares their files one by one.

Hashes of settings and code are allowed to differ, and so are the dates in simulated ROOT files; an order of keys in
JSON is noted. Nothing else is: numbers are compared bit by bit. Exit code 1 where something differs. The report's
page is left out: it holds times, and binds files that are compared here.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (reads the compressed datasets)
import numpy as np
import uproot

# Keys and attributes that hold a hash of settings or code. Those of data (scaling, training_events, checksums) count.
HASHES = {"config_hash", "code", "code_hash", "identity"}
HASH = re.compile("[0-9a-f]{16}|[0-9a-f]{32}")
KINDS = {
    ".h5": "HDF5", ".json": "JSON", ".safetensors": "weights", ".ubj": "boosters", ".root": "ROOT",
    ".csv": "text", ".md": "text", ".tex": "text", ".svg": "figures", ".png": "figures", ".pdf": "figures",
}  # fmt: skip
ROWS = 1_000_000
ORDER = ": keys in another order"


class Outcome(StrEnum):
    """What was found for a file, in the order of the table's columns."""

    SAME = "identical"
    HASHES = "same content"
    DIFFERENT = "different"
    ONLY_A = "only in A"
    ONLY_B = "only in B"


@dataclass
class Finding:
    """The outcome for one file; ``places`` are where it differs, ``note`` is what a reader should know all the same."""

    outcome: Outcome
    places: Iterator[str] | tuple[str, ...] = ()
    note: str = ""


def compare(folder_a: Path, folder_b: Path) -> dict[str, Finding]:
    """Return the finding for every file of two results folders, by its path in them."""
    found = {}
    in_a, in_b = _files(folder_a), _files(folder_b)
    for name in sorted(in_a | in_b):
        if name not in in_b:
            found[name] = Finding(Outcome.ONLY_A)
        elif name not in in_a:
            found[name] = Finding(Outcome.ONLY_B)
        else:
            found[name] = compare_files(folder_a / name, folder_b / name)
    return found


def compare_files(a: Path, b: Path) -> Finding:
    """Compare two files of the same kind."""
    if a.stat().st_size == b.stat().st_size and a.read_bytes() == b.read_bytes():
        return Finding(Outcome.SAME)
    if a.name == "comparison.json":
        found = _compare_comparisons(json.loads(a.read_text()), json.loads(b.read_text()))
        if found is not None:
            return found
    places = {".h5": _hdf5, ".json": _json, ".safetensors": _weights, ".root": _root}.get(a.suffix, _bytes)(a, b)
    order: list[str] = []
    for place in places:
        if not place.endswith(ORDER):
            return Finding(Outcome.DIFFERENT, chain([*order, place], places))
        order.append(place)
    return Finding(Outcome.HASHES, note="; ".join(order))


def _files(folder: Path) -> set[str]:
    """Return the files of a results folder; neither the page nor checkpoints of unfinished trainings."""
    if not folder.is_dir():
        raise SystemExit(f"{folder}: there is no such folder; give two results folders")
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".html", ".pt"})
    return {path.relative_to(folder).as_posix() for path in paths}


def _is_hash(key: str, *values: Any) -> bool:
    return key in HASHES and all(isinstance(value, str) and HASH.fullmatch(value) for value in values)


# ---- kinds of files: each yields the places where two files differ


def _bytes(a: Path, b: Path) -> Iterator[str]:
    left, right = a.read_bytes(), b.read_bytes()
    at = next((i for i, (x, y) in enumerate(zip(left, right, strict=False)) if x != y), min(len(left), len(right)))
    if a.suffix in {".csv", ".md", ".tex", ".svg", ".yaml"}:
        line = left[:at].count(b"\n")
        lines = [text.decode(errors="replace").splitlines()[line : line + 1] for text in (left, right)]
        yield f"line {line + 1}: {_short(lines[0])} | {_short(lines[1])}"
    else:
        yield f"byte {at} of {len(left)} and {len(right)}"


def _json(a: Path, b: Path) -> Iterator[str]:
    left, right = json.loads(a.read_text()), json.loads(b.read_text())
    if a.parent.parent.name == "shards" and set(left) == {"shards"}:
        # a list of shards: the checksums are of files that hold hashes, and the files themselves are compared
        left, right = sorted(left["shards"]), sorted(right["shards"])
    yield from _values("", left, right)


def _values(place: str, a: Any, b: Any) -> Iterator[str]:
    """Yield where two contents of JSON files differ, hashes of settings and code aside."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in [*a, *(key for key in b if key not in a)]:
            inside = f"{place}.{key}" if place else key
            if key not in b:
                yield f"{inside}: only in A"
            elif key not in a:
                yield f"{inside}: only in B"
            elif not _is_hash(key, a[key], b[key]):
                yield from _values(inside, a[key], b[key])
        if a.keys() == b.keys() and list(a) != list(b):
            yield f"{place or 'the file'}{ORDER}"
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            yield f"{place}: {len(a)} and {len(b)} entries"
        for i, (x, y) in enumerate(zip(a, b, strict=False)):
            yield from _values(f"{place}[{i}]", x, y)
    elif repr(a) != repr(b):
        yield f"{place}: {_short(a)} | {_short(b)}"


def _hdf5(a: Path, b: Path) -> Iterator[str]:
    with h5py.File(a) as left, h5py.File(b) as right:
        objects: list[dict[str, Any]] = []
        for file in (left, right):
            own: dict[str, Any] = {"/": file}
            file.visititems(own.__setitem__)
            objects.append(own)
        yield from _only(objects[0], objects[1])
        for name in (name for name in objects[0] if name in objects[1]):
            x, y = objects[0][name], objects[1][name]
            yield from _attributes(name, x, y)
            if isinstance(x, h5py.Dataset) and isinstance(y, h5py.Dataset):
                yield from _datasets(name, x, y)
            elif type(x) is not type(y):
                yield f"{name}: a group and a dataset"


def _attributes(name: str, a: Any, b: Any) -> Iterator[str]:
    place = "" if name == "/" else name
    yield from _only(a.attrs, b.attrs, f"{place}@")
    for key in (key for key in a.attrs if key in b.attrs):
        x, y = a.attrs[key], b.attrs[key]
        if not _is_hash(key, x, y) and (np.shape(x) != np.shape(y) or not np.array_equal(x, y)):
            yield f"{place}@{key}: {_short(x)} | {_short(y)}"


def _datasets(name: str, a: h5py.Dataset, b: h5py.Dataset) -> Iterator[str]:
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        yield f"{name}: {a.dtype} {a.shape} | {b.dtype} {b.shape}"
        return
    if (a.chunks, a.compression, a._filters) != (b.chunks, b.compression, b._filters):
        yield f"{name}: stored in other chunks or with another compression"
    for start in range(0, len(a), ROWS) if a.shape else (0,):
        rows = slice(start, start + ROWS) if a.shape else ()
        place = _first_difference(np.asarray(a[rows]), np.asarray(b[rows]), start)
        if place:
            yield f"{name}{place}"
            return


def _first_difference(a: Any, b: Any, start: int = 0) -> str:
    """Return index and values of the first element whose bits differ, or nothing; NaN is the same as NaN."""
    if a.dtype.kind == "O":
        differs = a != b
    elif a.tobytes() == b.tobytes():
        return ""
    else:
        width = a.dtype.itemsize
        pair = [np.frombuffer(x.tobytes(), np.uint8).reshape(*x.shape, width) for x in (a, b)]
        differs = (pair[0] != pair[1]).any(axis=-1)
    if not np.any(differs):
        return ""
    index = tuple(int(i) for i in np.argwhere(differs)[0])
    shown = [index[0] + start, *index[1:]] if index else []
    return f"{shown}: {_short(a[index])} | {_short(b[index])} ({int(np.sum(differs))} differ)"


def _weights(a: Path, b: Path) -> Iterator[str]:
    """Compare safetensors: headers as JSON (what the file says of itself stands in its metadata), tensors as bytes."""
    headers, tensors = zip(*(_safetensors(path.read_bytes()) for path in (a, b)), strict=True)
    yield from _values("", *headers)
    for name in headers[0]:
        if name in headers[1] and name != "__metadata__":
            x, y = (data[slice(*head[name]["data_offsets"])] for head, data in zip(headers, tensors, strict=True))
            if x != y:
                yield f"tensor {name}: other bytes"


def _safetensors(content: bytes) -> tuple[dict[str, Any], bytes]:
    end = 8 + int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8:end])
    metadata = header.get("__metadata__", {})
    header["__metadata__"] = {key: _parsed(value) for key, value in metadata.items()}
    return header, content[end:]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _root(a: Path, b: Path) -> Iterator[str]:
    """Compare the branches of all trees; the files hold dates."""
    with uproot.open(a) as left, uproot.open(b) as right:
        trees = left.keys(recursive=True, filter_classname="TTree")
        yield from _only(left.classnames(), right.classnames())
        for name in (name for name in trees if name in right):
            x, y = left[name], right[name]
            yield from _only(dict.fromkeys(x.keys()), dict.fromkeys(y.keys()), f"{name}/")
            for branch in (key for key in x.keys() if key in y):  # noqa: SIM118  (a tree iterates otherwise)
                values = [tree[branch].array(library="ak").to_list() for tree in (x, y)]
                if repr(values[0]) != repr(values[1]):
                    yield f"{name}/{branch}: other values"


def _only(a: Mapping[str, Any], b: Mapping[str, Any], place: str = "") -> Iterator[str]:
    yield from (f"{place}{name}: only in A" for name in a if name not in b)
    yield from (f"{place}{name}: only in B" for name in b if name not in a)


def _short(value: Any, length: int = 60) -> str:
    text = str(value) if isinstance(value, np.generic) else repr(value)
    return text if len(text) <= length else f"{text[:length]}…"


# ---- comparison.json: every study had its own schema once, and some productions still have it

Pair = tuple[str, str, str]  # sample, first and second model
QUOTIENTS = frozenset({"rate_reduction"})
Numbers = dict[tuple[Pair, str, str], tuple[Any, Any]]  # pair, quantity, where: value and error


def _compare_comparisons(a: dict[str, Any], b: dict[str, Any]) -> Finding | None:
    """Compare the numbers of two schemas: by name, else by value within a pair of models; None for one schema."""
    if _schema(a) == _schema(b):
        return None
    left, right = numbers_of(a), numbers_of(b)
    named, valued, empty, lost = 0, 0, 0, []
    values: dict[Pair, set[tuple[Any, Any]]] = defaultdict(set)
    for ((sample, first, second), quantity, _), (value, error) in right.items():
        values[sample, first, second].add((value, error))
        # a quotient keeps its sign whichever model is named first
        turned = value if value is None or quantity in QUOTIENTS else -value
        values[sample, second, first].add((turned, error))
    for key, number in left.items():
        (sample, first, second), quantity, where = key
        other = right.get(key)
        if other is None and (there := right.get(((sample, second, first), quantity, where))):
            other = (there[0] if there[0] is None else -there[0], there[1])
        if other is not None and where == "{}":
            named += 1
            if other != number:
                lost.append(f"{sample}: {first} - {second}, {quantity}: {number} | {other}")
        elif number in values[sample, first, second]:
            valued += 1
        elif number[0] is None:
            empty += 1  # nothing is lost where a row without a value is left out
        else:
            lost.append(f"{sample}: {first} - {second}, {quantity}{where}: {number} is nowhere in B")
    note = (
        f"schemas differ; {len(left)} numbers in A, {len(right)} in B: {named} found by name, {valued} by value, "
        f"{empty} have none"
    )
    return Finding(Outcome.DIFFERENT if lost else Outcome.HASHES, tuple(lost), note)


def _schema(content: dict[str, Any]) -> str:
    sample = next(iter(content["samples"].values()), None)
    if isinstance(sample, dict):
        return f"mapping of {sorted(sample)}"
    return "rows with 'where'" if sample and "where" in sample[0] else "rows"


def numbers_of(content: dict[str, Any]) -> Numbers:
    """Return all numbers of a comparison.json by pair, quantity and what they are restricted to."""
    numbers: Numbers = {}
    for sample, found in content["samples"].items():
        rows = found if isinstance(found, list) else found["differences"]
        if isinstance(rows, dict):  # keyed first:second, arrays of one quantity
            rows = [
                {"first": key.partition(":")[0], "second": key.partition(":")[2], "quantity": "", "difference": value}
                for key, value in rows.items()
            ]
        reduced = found.get("rates", {}) if isinstance(found, dict) else {}
        rows = [
            *rows,
            *(
                {"first": found["reference"], "second": model, "quantity": quantity, "difference": number}
                for model, own in reduced.items()
                for quantity, number in own.items()
            ),
        ]
        for row in rows:
            where = json.dumps(row.get("where", {}), sort_keys=True)
            for place, value, error in _elements(row["difference"]["value"], row["difference"]["error"]):
                key = ((sample, row["first"], row["second"]), row["quantity"], f"{place}" or where)
                numbers[key] = (value, error)
    return numbers


def _elements(value: Any, error: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield place, value and error of every element of nested lists."""
    if not isinstance(value, list):
        yield place, value, error
        return
    for i, inner in enumerate(value):
        yield from _elements(inner, None if error is None else error[i], f"{place}[{i}]")


# ---- what is printed


def table(found: Mapping[str, Finding]) -> str:
    """Return how many files of each study and kind had which outcome."""
    counts: dict[tuple[str, str], Counter[Outcome]] = defaultdict(Counter)
    for name, finding in found.items():
        counts[name.split("/")[0], _kind(name)][finding.outcome] += 1
    header = ["study", "kind", "files", *Outcome]
    rows = [
        [study, kind, str(own.total()), *(str(own[outcome] or "-") for outcome in Outcome)]
        for (study, kind), own in sorted(counts.items())
    ]
    total = sum(counts.values(), Counter())
    rows.append(["all", "", str(total.total()), *(str(total[outcome] or "-") for outcome in Outcome)])
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(r, widths, strict=True)) for r in [header, *rows]
    )


def _kind(name: str) -> str:
    path = Path(name)
    return "comparison" if path.name == "comparison.json" else KINDS.get(path.suffix, path.suffix or "other")


def details(found: Mapping[str, Finding], places: int) -> Iterator[str]:
    """Yield for each file that differs where it does: the first places and the number of the others."""
    for name, finding in found.items():
        if finding.note:
            yield f"{name}: {finding.note}"
        if finding.outcome in {Outcome.SAME, Outcome.HASHES}:
            continue
        yield f"{name}: {finding.outcome}"
        all_places = list(finding.places)
        yield from (f"    {place}" for place in all_places[:places])
        if len(all_places) > places:
            added = sum(place.endswith(": only in B") for place in all_places[places:])
            yield f"    and {len(all_places) - places} more" + f", {added} of them only in B" * bool(added)


def main(arguments: list[str] | None = None) -> int:
    """Compare, print, and return 1 where something differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.compare_runs", description=__doc__)
    parser.add_argument("results_a", type=Path)
    parser.add_argument("results_b", type=Path)
    parser.add_argument("--places", type=int, default=3, help="differing places shown for each file (default 3)")
    given = parser.parse_args(arguments)
    found = compare(given.results_a, given.results_b)
    sys.stdout.write("\n".join([*details(found, given.places), "", table(found), ""]))
    return int(any(finding.outcome not in {Outcome.SAME, Outcome.HASHES} for finding in found.values()))


if __name__ == "__main__":
    sys.exit(main())
