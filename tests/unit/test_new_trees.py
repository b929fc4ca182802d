"""Trees that are written, as TTree and as RNTuple: the same entries come back."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from hitforge.config import TreeFormat
from hitforge.new_trees import NewTree
from hitforge.ntuple import find_tree, open_root

HITS = ak.Array([[{"cell": 3, "e": 0.5}], [], [{"cell": 1, "e": 2.0}, {"cell": 7, "e": 4.0}]])


@pytest.mark.parametrize("tree_format", ["ttree", "rntuple"])
def test_what_is_written_is_read(tmp_path: Path, tree_format: TreeFormat) -> None:
    columns = {"x": np.arange(3, dtype="f4"), "grid": np.arange(6, dtype="f4").reshape(3, 2), "hit": HITS}
    with uproot.recreate(tmp_path / "a.root") as file:
        tree = NewTree(file, "t", {"x": "<f4", "grid": ("<f4", (2,)), "hit": HITS.type.content}, tree_format)
        for start, stop in ((0, 0), (0, 2), (2, 3)):
            tree.extend({name: values[start:stop] for name, values in columns.items()})
    with open_root(tmp_path / "a.root") as file:
        _, read = find_tree(file, ["t"], "a.root")
        assert read.names == {"x", "grid", "nhit", "hit_cell", "hit_e"} and read.num_entries == 3
        np.testing.assert_array_equal(read.array("x", 0, 3, "np"), columns["x"])
        np.testing.assert_array_equal(read.array("grid", 0, 3, "np"), columns["grid"])
        np.testing.assert_array_equal(read.array("nhit", 0, 3, "np"), [1, 0, 2])
        assert read.array("hit_cell", 0, 3, "ak").to_list() == HITS["cell"].to_list()
        assert read.array("hit_e", 0, 3, "ak").to_list() == HITS["e"].to_list()
