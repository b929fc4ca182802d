"""Every kind of fault is found with its place, and a damaged file is a finding, not a crash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from hitforge.ntuple import NtupleError
from hitforge.studies.csc_muon.data.cuts import CUT_NAMES, select
from hitforge.studies.csc_muon.data.ntuple import read_roads
from hitforge.studies.csc_muon.data.roads import Roads
from hitforge.studies.csc_muon.data.validation import inspect_part
from hitforge.studies.csc_muon.settings import CutSettings, ReaderSettings
from hitforge.validation import PartFindings
from tests.unit.csc_muon.part_builders import MAPPED, some_roads, write_npz, write_scalars, write_vector

PLAIN = ReaderSettings()


def inspected(source: str | Path, reader: ReaderSettings = PLAIN, **more: Any) -> PartFindings:
    return inspect_part(source, reader, CutSettings(), **more)


def copy_of(roads: Roads) -> Roads:
    return Roads(*(values.copy() for values in vars(roads).values()))


def reasons(findings: PartFindings) -> dict[str, tuple[str, int | None, int]]:
    found: dict[str, tuple[str, int | None, int]] = {}
    for problem in findings.problems:
        found.setdefault(problem.reason, (problem.branch, problem.entry, problem.count))
    return found


def test_good_parts_in_every_layout(tmp_path: Path) -> None:
    roads = some_roads()
    findings = [
        inspected(write_vector(tmp_path / "a.root", roads)),
        inspected(write_scalars(tmp_path / "b.root", roads), MAPPED),
        inspected(write_npz(tmp_path / "c.npz", roads)),
    ]
    assert [found.layout for found in findings] == ["vector", "scalars", "npz"]
    left = select(roads, CutSettings())[1]
    assert all(found.good and dict(found.cut_flow) == left for found in findings)
    assert left["all"] == len(roads) and {found.n_events for found in findings} == {left[CUT_NAMES[-1]]}
    assert len({found.content_checksum for found in findings}) == 1
    pt = 1 / np.abs(roads.q_over_pt.astype(np.float64))
    assert findings[0].e_min_gev == pytest.approx(pt.min())
    assert findings[0].e_max_gev == pytest.approx(pt.max())


def _not_finite(roads: Roads) -> None:
    roads.parameters[[130, 140], 2] = np.nan, np.inf


def _zero(roads: Roads) -> None:
    roads.parameters[120, 0] = 0


def _mask(roads: Roads) -> None:
    roads.variables[110, 72] = 1 - roads.variables[110, 72]


def _strange_mask(roads: Roads) -> None:
    roads.variables[110, 75] = 2


def _nan_mask(roads: Roads) -> None:
    roads.variables[110, 75] = np.nan


def _infinite_hit(roads: Roads) -> None:
    roads.variables[np.flatnonzero(roads.hit[:, 2])[0], 2] = np.inf


def _mode(roads: Roads) -> None:
    roads.mode[100] = 7


def _n_hits(roads: Roads) -> None:
    roads.n_hits[101:104] += 1


def _word(roads: Roads) -> None:
    roads.variables[:, 86] = np.where(np.arange(len(roads)) % 2, 120, 10)


def _lost_word(roads: Roads) -> None:
    roads.variables[3, 84] = np.nan


def _weight(roads: Roads) -> None:
    roads.weight[9] = -1


def _order(roads: Roads) -> None:
    roads.parameters[:] = roads.parameters[:, [2, 0, 1]]


@pytest.mark.parametrize(
    ("break_it", "reason", "branch", "entry", "count"),
    [
        (_not_finite, "not_finite", "parameters[2]", 130, 2),
        (_zero, "zero_q_over_pt", "parameters[0]", 120, 1),
        (_mask, "mask_mismatch", "variables[0]", 110, 1),
        (_strange_mask, "bad_mask", "variables[75]", 110, 1),
        (_nan_mask, "bad_mask", "variables[75]", 110, 1),
        (_infinite_hit, "not_finite", "variables[2]", 0, 1),
        (_mode, "wrong_mode", "mode", 100, 1),
        (_n_hits, "wrong_n_hits", "n_hits", 101, 3),
        (_word, "road_word3", "variables[86]", 1, 155),
        (_lost_word, "not_finite", "variables[84]", 3, 1),
        (_weight, "bad_weight", "w", 9, 1),
        (_order, "parameter_order", "parameters[0]", 0, 311),
    ],
)
def test_each_fault_is_found_and_placed(
    tmp_path: Path,
    break_it: Callable[[Roads], None],
    reason: str,
    branch: str,
    entry: int,
    count: int,
) -> None:
    roads = copy_of(some_roads().take(slice(0, 311)))
    if break_it is _infinite_hit:
        roads = copy_of(roads.take(roads.hit[:, 2]))
    break_it(roads)
    path = write_vector(tmp_path / "a.root", roads)
    findings = inspected(path, chunk_mb=0.03)
    assert reasons(findings)[reason] == (branch, entry, count)
    assert findings.content_checksum == ""
    assert all(str(path) in str(problem) and problem.fix for problem in findings.problems)
    with pytest.raises(NtupleError, match=reason):
        list(read_roads(path, PLAIN))


def test_meaning_of_the_third_word_is_checked_both_ways(tmp_path: Path) -> None:
    quad = ReaderSettings(road_word3="phi_quadstrip")
    roads = copy_of(some_roads())
    assert reasons(inspected(write_vector(tmp_path / "a.root", roads), quad)) == {"road_word3": ("road_word3", None, 0)}
    _word(roads)
    assert inspected(write_vector(tmp_path / "b.root", roads), quad).good


def test_faults_of_an_npz_file_name_its_columns(tmp_path: Path) -> None:
    roads = copy_of(some_roads())
    _mask(roads)
    roads.parameters[7, 2] = np.nan
    found = reasons(inspected(write_npz(tmp_path / "a.npz", roads, (1, 2, 0))))
    assert found["mask_mismatch"][:2] == ("variables[:, 0]", 110)
    assert found["not_finite"] == ("parameters (eta)", 7, 1)


def test_missing_and_wrong_branches(tmp_path: Path) -> None:
    roads = some_roads()
    path = write_scalars(tmp_path / "a.root", roads, leave_out=("vh_bend_me3", "vh_phi"))
    found = inspected(path, MAPPED)
    assert [(p.reason, p.branch) for p in found.problems] == [
        ("missing_branch", "vh_bend_me3"),
        ("missing_branch", "vh_phi"),
    ]
    # a tree in the other layout: the three branches that it lacks
    assert {p.branch for p in inspected(path).problems} == {"variables", "parameters", "event"}
    with uproot.recreate(tmp_path / "b.root") as file:
        tree = file.mktree("muons", {"variables": ("<f4", (86,)), "parameters": ("<i4", (3,)), "event": "<f8"})
        tree.extend({"variables": np.zeros((2, 86)), "parameters": np.zeros((2, 3), int), "event": np.zeros(2)})
    found = inspected(tmp_path / "b.root")
    assert [(p.reason, p.branch) for p in found.problems] == [
        ("wrong_shape", "variables"),
        ("wrong_type", "parameters"),
        ("wrong_type", "event"),
    ]


def test_wrong_arrays_of_an_npz_file(tmp_path: Path) -> None:
    good = some_roads()
    path = tmp_path / "a.npz"
    for content, reason in (
        ({"variables": good.variables}, "missing_branch"),
        ({"variables": good.variables[:, :86], "parameters": good.parameters}, "wrong_shape"),
        ({"variables": good.variables, "parameters": good.parameters[:-1]}, "wrong_length"),
        ({"variables": np.nan_to_num(good.variables).astype(int), "parameters": good.parameters}, "wrong_type"),
        ({"variables": np.asfortranarray(good.variables), "parameters": good.parameters}, "wrong_type"),
    ):
        np.savez(path, **content)
        assert list(reasons(inspected(path))) == [reason]


def test_no_roads_and_no_file(tmp_path: Path) -> None:
    empty = write_vector(tmp_path / "a.root", some_roads().take(slice(0, 0)))
    assert list(reasons(inspected(empty))) == ["empty_tree"]
    for name in ("b.root", "b.npz"):
        assert list(reasons(inspected(tmp_path / name))) == ["missing_file"]
    assert list(reasons(inspected("root://somewhere/a.npz"))) == ["unreadable"]
    with uproot.recreate(tmp_path / "c.root") as file:
        file.mktree("other", {"x": "f4"})
    assert list(reasons(inspected(tmp_path / "c.root"))) == ["missing_tree"]


# the archive's check sum finds all; in ROOT files much is metadata that is not read, and values stored without
# compression have no check sum
@pytest.mark.parametrize(("name", "at_least"), [("a.root", 7), ("a.npz", 15), ("packed.npz", 15)])
def test_truncated_and_overwritten_files_are_findings(tmp_path: Path, name: str, at_least: int) -> None:
    roads = some_roads()
    path = tmp_path / name
    if name.endswith("root"):
        write_vector(path, roads)
    else:
        write_npz(path, roads, compressed=name.startswith("packed"))
    whole = path.read_bytes()
    rng = np.random.default_rng(3)
    for keep in (0, 10, len(whole) // 3, len(whole) - 30):
        path.write_bytes(whole[:keep])
        findings = inspected(path)
        assert not findings.good, keep
    found = 0
    for _ in range(15):
        damaged = bytearray(whole)
        at = int(rng.integers(0, len(whole) - 200))
        damaged[at : at + 200] = rng.bytes(200)
        path.write_bytes(bytes(damaged))
        found += not inspected(path).good  # must not raise
    assert found >= at_least
