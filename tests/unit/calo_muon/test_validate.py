"""Every fault that a part can have is found, with its place, its count and a fix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.data.muons import Muons
from hitforge.studies.calo_muon.data.validation import inspect_ntuple
from tests.unit.calo_muon.part_builders import (
    b4_columns,
    compact_columns,
    content_checksum,
    make_muons,
    write_b4,
    write_compact,
    write_tree,
)

GEOMETRY = load_geometry("pbwo4_40.64mm")
SMALL = GEOMETRY.model_copy(update={"name": "small", "n_z": 4, "n_x": 32, "n_y": 32})
N = SMALL.n_cells

Fault = Callable[[dict[str, Any]], None]


def muons() -> Muons:
    return make_muons(6, n_cells=N)


def found(path: Path, **kwargs: Any) -> set[tuple[str, str, int | None, int]]:
    findings = inspect_ntuple(path, SMALL, **kwargs)
    assert not findings.good
    assert findings.content_checksum == ""
    for problem in findings.problems:
        assert problem.file == str(path)
        assert problem.fix
        assert problem.detail
    return {(p.reason, p.branch, p.entry, p.count) for p in findings.problems}


@pytest.mark.parametrize(("write", "layout"), [(write_b4, "b4-fixed"), (write_compact, "compact")])
def test_good_part(tmp_path: Path, write, layout: str) -> None:
    good = make_muons(6)
    path = write(tmp_path / "part.root", good)
    findings = inspect_ntuple(path, GEOMETRY)
    assert findings.good
    assert findings.problems == ()
    assert (findings.n_events, findings.layout) == (6, layout)
    assert findings.content_checksum == content_checksum([good])
    assert findings.e_min_gev == good.energy_gev.min()
    assert findings.e_max_gev == good.energy_gev.max()
    assert findings.size_bytes == path.stat().st_size


def test_reference_files_are_good(reference_data: Path) -> None:
    original = inspect_ntuple(reference_data / "cmu_0.root", GEOMETRY)
    assert (original.good, original.n_events, original.layout) == (True, 10, "b4-vector")
    geant4 = inspect_ntuple(reference_data / "geant4_flat_06.root", GEOMETRY)
    assert (geant4.good, geant4.n_events, geant4.layout) == (True, 200, "compact")


def set_value(branch: str, entry: int, value: float, cell: int | None = None) -> Fault:
    def fault(columns: dict[str, Any]) -> None:
        columns[branch][entry if cell is None else (entry, cell)] = value

    return fault


def drop(branch: str) -> Fault:
    def fault(columns: dict[str, Any]) -> None:
        del columns[branch]

    return fault


def retype(branch: str, change: Callable[[Any], Any]) -> Fault:
    def fault(columns: dict[str, Any]) -> None:
        columns[branch] = change(columns[branch])

    return fault


B4_FAULTS: list[tuple[str, Fault, tuple[str, str, int | None, int]]] = [
    ("nan cell", set_value("rechit_energy", 4, np.nan, 9), ("not_finite", "rechit_energy", 4, 1)),
    ("inf cell", set_value("rechit_energy", 0, np.inf, 9), ("not_finite", "rechit_energy", 0, 1)),
    ("too big for float32", set_value("rechit_energy", 0, 1e300, 9), ("not_finite", "rechit_energy", 0, 1)),
    ("negative cell", set_value("rechit_energy", 5, -1e-3, N - 1), ("negative_energy", "rechit_energy", 5, 1)),
    ("nan x", set_value("true_x", 2, np.nan), ("not_finite", "true_x", 2, 1)),
    ("inf energy", set_value("true_energy", 1, -np.inf), ("not_finite", "true_energy", 1, 1)),
    ("zero energy", set_value("true_energy", 3, 0.0), ("non_positive_energy", "true_energy", 3, 1)),
    ("signed energy", set_value("true_energy", 3, -200.0), ("non_positive_energy", "true_energy", 3, 1)),
    ("entry in cm", set_value("true_y", 2, -60.1), ("entry_outside_block", "true_y", 2, 1)),
    ("no cells", drop("rechit_energy"), ("missing_branch", "rechit_energy", None, 0)),
    ("no energy", drop("true_energy"), ("missing_branch", "true_energy", None, 0)),
    ("integer energy", retype("true_energy", lambda v: v.astype(np.int32)), ("wrong_type", "true_energy", None, 0)),
    ("list of x", retype("true_x", lambda v: np.stack([v, v], axis=1)), ("wrong_type", "true_x", None, 0)),
    ("float flag", retype("isMuon", lambda v: v.astype(np.float64)), ("wrong_type", "isMuon", None, 0)),
    ("one number", retype("rechit_energy", lambda v: v[:, 0]), ("wrong_type", "rechit_energy", None, 0)),
    ("integers", retype("rechit_energy", lambda v: v.astype(np.int64)), ("wrong_type", "rechit_energy", None, 0)),
    ("short arrays", retype("rechit_energy", lambda v: v[:, :100]), ("wrong_length", "rechit_energy", 0, 6)),
]


@pytest.mark.parametrize(("fault", "expected"), [row[1:] for row in B4_FAULTS], ids=[row[0] for row in B4_FAULTS])
def test_faults_of_b4(tmp_path: Path, fault: Fault, expected: tuple[str, str, int | None, int]) -> None:
    columns = b4_columns(muons(), N)
    fault(columns)
    assert found(write_tree(tmp_path / "part.root", "B4", columns)) == {expected}


def test_lists_of_wrong_length_leave_the_others_readable(tmp_path: Path) -> None:
    columns = b4_columns(muons(), N)
    rows = columns["rechit_energy"].tolist()
    rows[1], rows[4] = rows[1][:-1], []
    rows[5][3] = -1.0
    columns["rechit_energy"] = ak.Array(rows)
    assert found(write_tree(tmp_path / "part.root", "B4", columns)) == {
        ("wrong_length", "rechit_energy", 1, 2),
        ("negative_energy", "rechit_energy", 5, 1),
    }


def test_vectors_of_another_geometry(reference_data: Path) -> None:
    assert found(reference_data / "cmu_0.root") == {("wrong_length", "rechit_energy", 0, 10)}


def edit_hits(edit: Callable[[list[list[int]], list[list[float]]], None]) -> Fault:
    """Write nhit, hit_cell and hit_e as branches of their own, after an edit."""

    def fault(columns: dict[str, Any]) -> None:
        hits = columns.pop("hit")
        cells, energies = ak.to_list(hits["cell"]), ak.to_list(hits["e"])
        edit(cells, energies)
        columns["nhit"] = np.array([len(c) for c in ak.to_list(hits["cell"])], dtype=np.int32)
        columns["hit_cell"] = ak.values_astype(ak.Array(cells), np.int32)
        columns["hit_e"] = ak.values_astype(ak.Array(energies), np.float32)

    return fault


def change(entry: int, cell: int | None = None, energy: float | None = None, hit: int = -1) -> Fault:
    def edit(cells: list[list[int]], energies: list[list[float]]) -> None:
        if cell is not None:
            cells[entry][hit] = cell
        if energy is not None:
            energies[entry][hit] = energy

    return edit_hits(edit)


COMPACT_FAULTS: list[tuple[str, Fault, tuple[str, str, int | None, int]]] = [
    ("outside", change(3, cell=N), ("cell_outside_geometry", "hit_cell", 3, 1)),
    ("below", change(3, cell=-1, hit=0), ("cell_outside_geometry", "hit_cell", 3, 1)),
    ("unsorted", edit_hits(lambda c, e: c[2].reverse()), ("unsorted_cells", "hit_cell", 2, 1)),
    ("twice", edit_hits(lambda c, e: c[2].__setitem__(1, c[2][0])), ("unsorted_cells", "hit_cell", 2, 1)),
    ("nan", change(1, energy=np.nan), ("not_finite", "hit_e", 1, 1)),
    ("negative", change(1, energy=-1.0), ("negative_energy", "hit_e", 1, 1)),
    ("lengths", edit_hits(lambda c, e: e[4].pop()), ("inconsistent_nhit", "nhit", 4, 1)),
    ("nhit", edit_hits(lambda c, e: (c[4].pop(), e[4].pop())), ("inconsistent_nhit", "nhit", 4, 1)),
    ("no hits", drop("hit"), ("missing_branch", "hit_cell", None, 0)),
    ("zero energy", set_value("e_true", 0, 0.0), ("non_positive_energy", "e_true", 0, 1)),
    ("x outside", set_value("x0", 5, 61.0), ("entry_outside_block", "x0", 5, 1)),
    ("charge", retype("charge", lambda v: v.astype(np.float32)), ("wrong_type", "charge", None, 0)),
    (
        "float cells",
        retype("hit", lambda h: ak.zip({"cell": h.cell * 1.0, "e": h.e})),
        ("wrong_type", "hit_cell", None, 0),
    ),
]


@pytest.mark.parametrize(
    ("fault", "expected"), [row[1:] for row in COMPACT_FAULTS], ids=[row[0] for row in COMPACT_FAULTS]
)
def test_faults_of_compact(tmp_path: Path, fault: Fault, expected: tuple[str, str, int | None, int]) -> None:
    columns = compact_columns(muons())
    fault(columns)
    got = found(write_tree(tmp_path / "part.root", "muons", columns))
    assert expected in got
    if expected[0] != "missing_branch":
        assert got == {expected}


def test_all_faults_are_reported_with_first_entry_and_count(tmp_path: Path) -> None:
    columns = b4_columns(muons(), N)
    del columns["true_x"]
    columns["rechit_energy"][1, 5] = columns["rechit_energy"][3, 8] = np.nan
    columns["rechit_energy"][1, 6] = columns["rechit_energy"][1, 7] = -1.0
    columns["rechit_energy"][5, 5] = -1.0
    columns["true_energy"][[2, 4]] = 0.0
    path = write_tree(tmp_path / "part.root", "B4", columns, batch=1)
    expected = {
        ("missing_branch", "true_x", None, 0),
        ("not_finite", "rechit_energy", 1, 2),
        ("negative_energy", "rechit_energy", 1, 2),
        ("non_positive_energy", "true_energy", 2, 2),
    }
    for chunk_mb in (1e-6, 64.0):
        assert found(path, chunk_mb=chunk_mb) == expected


def test_empty_tree(tmp_path: Path) -> None:
    columns = {name: values[:0] for name, values in b4_columns(muons(), N).items()}
    path = write_tree(tmp_path / "part.root", "B4", columns)
    assert {problem[0] for problem in found(path)} == {"empty_tree"}


def test_missing_tree(tmp_path: Path) -> None:
    path = write_tree(tmp_path / "part.root", "events", b4_columns(muons(), N))
    assert found(path) == {("missing_tree", "", None, 0)}
    with uproot.recreate(path) as file:
        file["h"] = np.histogram([1.0, 2.0])
    assert found(path) == {("missing_tree", "", None, 0)}


def test_missing_file(tmp_path: Path) -> None:
    assert found(tmp_path / "absent.root") == {("missing_file", "", None, 0)}


@pytest.mark.parametrize("content", [b"", b"hello, I am text\n" * 100, bytes(5000), b"root" + bytes(5000), b"root"])
def test_foreign_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "part.root"
    path.write_bytes(content)
    ((reason, *_),) = found(path)
    assert reason == "unreadable"
    assert inspect_ntuple(path, SMALL).size_bytes == len(content)


@pytest.fixture(scope="module")
def good_bytes(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("good")
    return [
        write_b4(folder / "a.root", make_muons(3)).read_bytes(),
        write_b4(folder / "b.root", make_muons(3), compression=uproot.LZ4(1)).read_bytes(),
        write_compact(folder / "c.root", make_muons(3), compression=uproot.LZMA(1)).read_bytes(),
        write_compact(folder / "d.root", make_muons(3), compression=uproot.ZLIB(1)).read_bytes(),
    ]


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize("which", range(4))
def test_truncated_file(good_bytes: list[bytes], tmp_path: Path, which: int, kept: float) -> None:
    path = tmp_path / "part.root"
    path.write_bytes(good_bytes[which][: int(kept * len(good_bytes[which]))])
    findings = inspect_ntuple(path, GEOMETRY)
    assert [problem.reason for problem in findings.problems] in (["truncated"], ["unreadable"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3), st.floats(0, 1), st.integers(1, 3000), st.sampled_from([0, 255, None]))
def test_overwritten_file_never_raises(
    good_bytes: list[bytes], tmp_path: Path, which: int, where: float, length: int, fill: int | None
) -> None:
    content = bytearray(good_bytes[which])
    start = int(where * (len(content) - 1))
    length = min(length, len(content) - start)
    noise = np.random.default_rng(length).integers(0, 256, length, dtype=np.uint8).tobytes()
    content[start : start + length] = noise if fill is None else bytes([fill]) * length
    path = tmp_path / "part.root"
    path.write_bytes(bytes(content))
    findings = inspect_ntuple(path, GEOMETRY)
    assert findings.good == (findings.content_checksum != "")


def test_damaged_basket_is_named(tmp_path: Path) -> None:
    path = write_b4(tmp_path / "part.root", make_muons(6), compression=uproot.ZLIB(1))
    with uproot.open(path) as file:
        cursor = file["B4"]["rechit_energy"].basket_chunk_cursor(1)
        start = int(cursor[1].index) if isinstance(cursor, tuple) else int(cursor.index)
    content = bytearray(path.read_bytes())
    content[start + 200 : start + 400] = bytes(200)
    path.write_bytes(bytes(content))
    (problem,) = inspect_ntuple(path, GEOMETRY).problems
    assert (problem.reason, problem.tree, problem.branch) == ("unreadable", "B4", "rechit_energy")
