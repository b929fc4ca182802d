"""RNTuples that ROOT wrote: read in pieces they are what it wrote, what uproot reads whole, what a TTree holds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from hitforge.branches import TreeBranches
from hitforge.ntuple import NtupleError, entry_ranges, find_tree, open_root
from hitforge.rntuples import RNTuple
from hitforge.validation import PartFindings, Problem
from tests.unit.small_parts import LAYOUTS, study_of

FILES = Path(__file__).parent / "root_files"
N = 6


@pytest.fixture
def kinds() -> Iterator[TreeBranches]:
    with open_root(FILES / "kinds_rntuple.root") as file:
        name, tree = find_tree(file, ["t"], "kinds_rntuple.root")
        yield TreeBranches(tree, name, "kinds_rntuple.root")


REALS = {"x": (), "y": (), "y_float": (), "x_array": (4,), "x_grid": (2, 2), "y_list": None, "x_list": None}
PACKED = {"x_half": 2e-3, "x_cut": 2e-3, "x_steps": 11 / 2**13, "half_array": 2e-3, "half_list": 2e-3}
"""Fields of packed numbers, and how far they may be from what was written."""
WHOLE = ("i8", "i16", "i32", "i64", "c", "u8", "u16", "u32", "u64")
WRONG = ("y_steps", "x_either", "lists", "text", "maybe", "pairs", "byte")


def written(entry: int, shape: tuple[int, ...] | None) -> np.ndarray:
    """Return the numbers of an entry as make.py has them."""
    count = 2 + entry if shape is None else int(np.prod(shape))
    return np.float32(0.1) * np.arange(1, count + 1, dtype=np.float32) + np.float32(entry)


def test_every_kind_of_field_is_known_for_what_it_is(kinds: TreeBranches) -> None:
    assert kinds.there == {*REALS, *PACKED, *WHOLE, *WRONG, "o", "o_list", "late"}
    for field in WRONG:
        assert kinds.tree.numbers(field) is None, field
        assert not kinds.require_scalar(field, "biuf") and not kinds.require_list(field, "biuf")
    assert {problem.reason for problem in kinds.problems} == {"wrong_type"}
    assert "type is double in quantised numbers, expected" in str(kinds.problems[0])
    for field, shape in REALS.items():
        numbers = kinds.tree.numbers(field)
        assert numbers is not None and (numbers.shape, numbers.dtype.kind) == (shape, "f"), field


def test_fields_have_the_numbers_that_root_wrote(kinds: TreeBranches) -> None:
    for field, shape in REALS.items():
        values = kinds.array(field, 0, N, "ak")
        for entry in range(N):
            found = np.ravel(ak.to_numpy(values[entry]))
            np.testing.assert_array_equal(found, written(entry, shape), err_msg=field)
    for field, off in PACKED.items():
        shape = None if field == "half_list" else (4,) if field == "half_array" else ()
        for entry in range(N):
            found = np.ravel(ak.to_numpy(kinds.array(field, entry, entry + 1, "ak")[0]))
            np.testing.assert_allclose(found, written(entry, shape), rtol=0, atol=off * 6, err_msg=field)
    for field in WHOLE:
        numbers = kinds.tree.numbers(field)
        assert numbers is not None
        expected = (-np.arange(N)).astype(numbers.dtype)
        assert numbers.dtype.kind == ("i" if field in ("i8", "i16", "i32", "i64", "c") else "u")
        np.testing.assert_array_equal(kinds.array(field, 0, N), expected, err_msg=field)
    np.testing.assert_array_equal(kinds.array("o", 0, N), np.arange(N) % 2 == 1)


@pytest.mark.parametrize("file", ["kinds", *(name for name, (*_, part) in LAYOUTS.items() if part.endswith(".root"))])
def test_any_range_of_entries_is_that_of_whole_clusters(file: str) -> None:
    with open_root(FILES / f"{file}_rntuple.root") as opened:
        (key,) = opened.keys(cycle=False)
        whole, tree = opened[key], RNTuple(opened[key])
        n = tree.num_entries
        for field in tree.names - {"c", "charge", "label", "proc", "n_prong", "late"}:  # uproot takes char for unsigned
            if tree.numbers(field) is None:
                continue
            for start, stop in ((0, n), (1, n - 1), (n // 2, n // 2 + 1), (2, 2)):
                expected = whole[field].array(entry_start=start, entry_stop=stop).to_list()
                np.testing.assert_equal(tree.array(field, start, stop, "ak").to_list(), expected, field)


def test_chunks_are_smaller_than_a_cluster(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("t", {"x": ("<f4", (1000,))}).extend({"x": np.ones((1000, 1000), "f4")})
    with open_root(tmp_path / "a.root") as file:
        _, tree = find_tree(file, ["t"], "a.root")
        ranges = entry_ranges(tree, "x", 2.0)
    assert [start for start, _ in ranges[1:]] == [stop for _, stop in ranges[:-1]]
    assert (ranges[0][0], ranges[-1][1]) == (0, 1000) and max(stop - start for start, stop in ranges) <= 500


@pytest.mark.parametrize("layout", [name for name, (*_, part) in LAYOUTS.items() if part.endswith(".root")])
def test_rntuple_and_ttree_of_the_same_events_have_the_same_verdict(layout: str, tmp_path: Path) -> None:
    study = LAYOUTS[layout][0](tmp_path)
    one, other = (study.inspect(str(FILES / f"{layout}_{form}.root")) for form in ("ttree", "rntuple"))
    assert one.good and one.content_checksum and one.identities
    expected = one.model_dump(exclude={"size_bytes", "layout"})
    assert other.model_dump(exclude={"size_bytes", "layout"}) == expected and other.identities == one.identities
    assert other.layout == ("b4-vector" if layout == "b4-variable" else one.layout)


def findings(name: str) -> PartFindings:
    return study_of("calo_muon").inspect(str(FILES / name))


def test_packed_fields_that_lose_nothing_change_nothing() -> None:
    assert findings("muons_half_rntuple.root").content_checksum == findings("muons_good.root").content_checksum != ""


def test_faults_of_fields_are_named() -> None:
    problems = {problem.branch: problem for problem in findings("muons_faults_rntuple.root").problems}
    reasons = {branch: problem.reason for branch, problem in problems.items()}
    assert reasons == {"e_true": "wrong_type", "x0": "wrong_number_of_entries", "y0": "missing_branch"}
    assert "the branch has 1 entries, its tree 4" in problems["x0"].detail
    (empty,) = findings("muons_empty_rntuple.root").problems
    assert empty.reason == "empty_tree"


def test_truncated_and_damaged_files_are_bad(tmp_path: Path) -> None:
    good = (FILES / "muons_half_rntuple.root").read_bytes()
    path = tmp_path / "part.root"
    path.write_bytes(good[:-300])
    (cut,) = study_of("calo_muon").inspect(str(path)).problems
    assert cut.reason == "truncated"
    with uproot.open(FILES / "muons_half_rntuple.root") as file:
        link = file["muons"].footer.cluster_group_records[0].page_list_link.locator
    # a byte of the list of pages, past what says how it is compressed
    place = link.offset + link.num_bytes // 2
    path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
    (damaged,) = study_of("calo_muon").inspect(str(path)).problems
    assert damaged.reason == "unreadable"


def test_tree_is_found_in_a_folder() -> None:
    with open_root(FILES / "folders.root") as file:
        assert find_tree(file, ["run2/muons"], "folders.root")[0] == "run2/muons"
        with pytest.raises(NtupleError, match="several trees of this name: run1/muons, run2/muons"):
            find_tree(file, ["muons"], "folders.root")


def test_vectors_of_the_original_production_in_a_folder(tmp_path: Path) -> None:
    study = LAYOUTS["b4-fixed"][0](tmp_path)
    fixed, vector = (study.inspect(str(FILES / name)) for name in ("b4-fixed_ttree.root", "b4_vector.root"))
    assert (vector.layout, vector.problems) == ("b4-vector", ())
    assert vector.content_checksum == fixed.content_checksum != ""


def test_branch_that_is_in_a_friend_says_where(tmp_path: Path) -> None:
    shutil.copy(FILES / "friends.root", tmp_path)
    (problem,) = study_of("calo_muon").inspect(str(tmp_path / "friends.root")).problems
    assert isinstance(problem, Problem) and (problem.reason, problem.branch) == ("missing_branch", "y0")
    assert "this one has: entry in features.root, entry in features.root" in problem.detail
