"""Files that ROOT itself wrote: what uproot takes for something else, and what it cannot read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import uproot

from hitforge.branches import TreeBranches
from hitforge.ttrees import TTree
from hitforge.validation import PartFindings
from tests.unit.small_parts import study_of

FILES = Path(__file__).parent / "root_files"


@pytest.fixture
def kinds() -> Iterator[TreeBranches]:
    with uproot.open(FILES / "kinds.root") as file:
        yield TreeBranches(TTree(file["t"]), "t", "kinds.root")


RIGHT = {
    "x": ("f", 1), "i": ("i", 1), "l": ("i", 1), "o": ("b", 1), "d": ("f", 1), "x_array": ("f", 4), "d_array": ("f", 4),
    "x_list": ("f", None), "y_list": ("f", None), "u_list": ("u", None), "d_list": ("f", None), "v": ("f", None),
}  # fmt: skip
"""Branches whose bytes are what uproot takes them for: kind and length; Double32_t without a range is a float."""

WRONG = (
    *("text", "two", "vv", "x_pairs", "h", "h_list", "h_range_array"),
    *("d_range", "d_range_list", "d_range_array", "d_range_2d", "d_bits_list"),
)


def test_every_kind_of_branch_is_known_for_what_it_is(kinds: TreeBranches) -> None:
    assert kinds.there == {"n", *RIGHT, *WRONG}
    for branch, (kind, length) in RIGHT.items():
        numbers = kinds.tree.numbers(branch)
        assert numbers is not None and (numbers.dtype.kind, numbers.length) == (kind, length), branch
    for branch in WRONG:
        assert kinds.tree.numbers(branch) is None, branch


def test_known_kinds_have_the_numbers_that_root_reads(kinds: TreeBranches) -> None:
    for branch, (kind, length) in RIGHT.items():
        if kind != "f":
            continue
        for entry in range(2):
            values = np.atleast_1d(kinds.array(branch, 0, 2)[entry])
            expected = 0.125 * np.arange(1, (length or 2 + entry) + 1) + entry
            np.testing.assert_array_equal(values, expected, err_msg=branch)


@pytest.mark.parametrize("branch", WRONG)
def test_other_kinds_are_a_wrong_type_that_names_branch_and_type(kinds: TreeBranches, branch: str) -> None:
    assert not kinds.require_scalar(branch, "biuf")
    assert not kinds.require_list(branch, "biuf")
    assert not kinds.require_array(branch, 4)
    assert {(p.reason, p.branch) for p in kinds.problems} == {("wrong_type", branch)}
    if branch.startswith(("d_", "h")):
        assert f"Float16_t or Double32_t with a range ({branch}" in kinds.problems[0].detail


def findings(study: str, name: str) -> PartFindings:
    return study_of(study).inspect(str(FILES / name))


@pytest.mark.parametrize(
    ("study", "file", "packed", "short"),
    [
        ("calo_muon", "b4_packed.root", {"rechit_energy"}, "true_y"),
        ("csc_muon", "roads_packed.root", {"variables"}, "parameters"),
        ("object_id", "objects_packed.root", {"em"}, "had"),
        ("scouting_egamma", "egamma_packed.root", {"energyMatrix", "pse"}, "iphi"),
    ],
)
def test_packed_and_short_branches_are_named_in_every_study(
    study: str, file: str, packed: set[str], short: str
) -> None:
    problems = findings(study, file).problems
    assert {p.branch for p in problems if p.reason == "wrong_type"} == packed
    entries = [p for p in problems if p.reason == "wrong_number_of_entries"]
    assert [p.branch for p in entries] == [short]
    n = 2 if study == "calo_muon" else 3
    assert f"the branch has {n + 1} entries, its tree {n}" in entries[0].detail


def test_good_file_of_root_is_good() -> None:
    found = findings("calo_muon", "muons_good.root")
    assert found.problems == () and (found.n_events, found.e_max_gev) == (4, 103.0)


def test_longer_branch_is_named() -> None:
    (problem,) = findings("calo_muon", "muons_short.root").problems
    assert (problem.reason, problem.branch) == ("wrong_number_of_entries", "x0")


@pytest.mark.parametrize("kind", ["offset_map", "old_compression"])
def test_whole_file_that_uproot_cannot_read_is_not_called_damaged(kind: str) -> None:
    (problem,) = findings("calo_muon", f"muons_{kind}.root").problems
    assert problem.reason == "unreadable" and f"not readable by uproot {uproot.__version__}" in problem.detail
    assert "hadd -f505" in problem.fix and "damaged" not in str(problem)


def test_folder_is_called_a_folder(tmp_path: Path) -> None:
    for study, name in (("calo_muon", "x.root"), ("csc_muon", "x.npz"), ("calo_muon", "x.hdf5#fold_0")):
        (tmp_path / name.split("#")[0]).mkdir()
        (problem,) = study_of(study).inspect(str(tmp_path / name)).problems
        assert (problem.reason, problem.detail) == ("not_a_file", "is a folder, not a file")
