"""Entries of a part as an application gets them, and copies of ROOT files with other columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from hitforge.entries import PREDICTED
from hitforge.hits import CellHits
from hitforge.shards import ShardBlock
from hitforge.studies.base import Study
from tests.unit.calo_muon.part_builders import write_tree
from tests.unit.given import given


def joined(blocks: list[ShardBlock]) -> dict[str, Any]:
    """Return the columns of all blocks by name."""
    hits = CellHits.concatenate([block.hits for block in blocks if block.hits is not None])
    return {
        **{
            name: np.concatenate([getattr(block, name) for block in blocks]) for name in ("features", "bucket", "entry")
        },
        **{f"target {name}": np.concatenate([b.targets[name] for b in blocks]) for name in blocks[0].targets},
        **{f"truth {name}": np.concatenate([b.truth[name] for b in blocks]) for name in blocks[0].truth},
        **{f"hits {name}": getattr(hits, name) for name in ("indptr", "cell", "energy")},
    }


def entries_of(study: Study, source: str | Path) -> tuple[list[str], dict[str, Any], bool]:
    """Return what became of each entry, the columns of those that are predicted, and whether there is truth.

    The study has the settings that the application of one of its models is given, and no others.
    """
    own = given(study, "apply", next(iter(study.settings.models)))
    status, blocks = [], []
    for part in own.open_entries(str(source)):
        for block in part.blocks:
            assert block.first_entry == len(status)
            assert (block.status == PREDICTED).sum() == len(block.events)
            status += ["" if code == PREDICTED else part.reasons[code - 1] for code in block.status]
            blocks.append(block.events)
        assert len(status) == part.n_entries
    columns = joined(blocks)
    np.testing.assert_array_equal(columns["entry"], [i for i, reason in enumerate(status) if not reason])
    return status, columns, part.has_truth


def assert_same(got: dict[str, Any], expected: dict[str, Any], but: tuple[str, ...] = ()) -> None:
    """All columns are the same, bit for bit, but those that begin with one of these words."""
    assert got.keys() == expected.keys()
    for name in (name for name in expected if not name.startswith(but)):
        assert got[name].dtype == expected[name].dtype, name
        np.testing.assert_array_equal(got[name], expected[name], err_msg=name)


def copy_of(path: Path, tree: str, change: Callable[[dict[str, Any]], None], one_counter: bool = True) -> Path:
    """Write the tree again beside itself, its columns changed; hits of muons have one counter, or each its own."""
    with uproot.open(path) as file:
        arrays = {name: file[tree][name].array() for name in file[tree].keys(recursive=False)}
    jagged = {name for name, values in arrays.items() if "var" in str(values.type)}
    columns = {name: values if name in jagged else ak.to_numpy(values) for name, values in arrays.items()}
    for name in jagged | {"hit"}:
        columns.pop(f"n{name}", None)
    change(columns)
    if one_counter and "hit_cell" in columns:
        columns["hit"] = ak.zip({"cell": columns.pop("hit_cell"), "e": columns.pop("hit_e")})
    return write_tree(path.with_name(f"copy_of_{path.name}"), tree, columns)


def without(*names: str) -> Callable[[dict[str, Any]], None]:
    """Return what takes columns out; one that is not there is an error."""

    def change(columns: dict[str, Any]) -> None:
        for name in names:
            del columns[name]

    return change
