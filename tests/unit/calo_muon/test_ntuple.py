"""Reading muons from every layout of a ntuple."""

from __future__ import annotations

import hashlib
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from hitforge.hits import CellHits
from hitforge.ntuple import NtupleError, RemoteReadError, entry_ranges, find_tree, open_root
from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.data.muons import Muons
from hitforge.studies.calo_muon.data.ntuple import event_bucket, event_identity, read_muons
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
SMALL = GEOMETRY.model_copy(
    update={"name": "small", "n_z": 4, "n_x": 8, "n_y": 8, "pitch_x_mm": 15.0, "pitch_y_mm": 15.0}
)


def read_all(path: Path, chunk_mb: float = 64.0, geometry=GEOMETRY) -> Muons:
    chunks = [muons for _, muons in read_muons(path, geometry, chunk_mb)]
    columns = (np.concatenate([getattr(c, n) for c in chunks]) for n in ("energy_gev", "x_mm", "y_mm", "charge"))
    return Muons(CellHits.concatenate([c.hits for c in chunks]), *columns)


def assert_same(got: Muons, expected: Muons) -> None:
    for name in ("energy_gev", "x_mm", "y_mm", "charge"):
        assert getattr(got, name).dtype == getattr(expected, name).dtype
        np.testing.assert_array_equal(getattr(got, name), getattr(expected, name))
    for name in ("indptr", "cell", "energy"):
        assert getattr(got.hits, name).dtype == getattr(expected.hits, name).dtype
        np.testing.assert_array_equal(getattr(got.hits, name), getattr(expected.hits, name))


@pytest.mark.parametrize("write", [write_b4, write_compact])
@pytest.mark.parametrize("chunk_mb", [1e-3, 1.0, 64.0])
def test_round_trip(tmp_path: Path, write, chunk_mb: float) -> None:
    muons = make_muons(7)
    assert_same(read_all(write(tmp_path / "part.root", muons), chunk_mb), muons)


@pytest.mark.parametrize("compression", [None, uproot.LZMA(1), uproot.LZ4(1), uproot.ZLIB(1)], ids=str)
def test_every_compression(tmp_path: Path, compression: object) -> None:
    muons = make_muons(7)
    assert_same(read_all(write_b4(tmp_path / "part.root", muons, compression=compression)), muons)


def test_lists_of_variable_length_and_single_precision(tmp_path: Path) -> None:
    muons = make_muons(4, n_cells=SMALL.n_cells)
    columns = b4_columns(muons, SMALL.n_cells)
    variable = {**columns, "rechit_energy": ak.from_regular(ak.Array(columns["rechit_energy"]))}
    single = {**columns, "rechit_energy": columns["rechit_energy"].astype(np.float32)}
    grid = {**columns, "rechit_energy": columns["rechit_energy"].reshape(-1, *SMALL.shape)}
    for content in (columns, variable, single, grid):
        assert_same(read_all(write_tree(tmp_path / "part.root", "B4", content), geometry=SMALL), muons)


def test_vectors_of_the_original_equal_plain_uproot(reference_data: Path) -> None:
    path = reference_data / "cmu_0.root"
    with uproot.open(path) as file:
        plain = file["B4"].arrays(["rechit_energy", "true_energy", "true_x"])
    dense = ak.to_numpy(plain["rechit_energy"])
    got = read_all(path, chunk_mb=1.0)
    expected = CellHits.from_dense(dense)
    for name in ("indptr", "cell", "energy"):
        np.testing.assert_array_equal(getattr(got.hits, name), getattr(expected, name))
    np.testing.assert_array_equal(got.energy_gev, ak.to_numpy(plain["true_energy"]).astype(np.float32))
    np.testing.assert_array_equal(got.x_mm, ak.to_numpy(plain["true_x"]).astype(np.float32))
    assert set(got.charge.tolist()) == {-1}
    assert np.diff(got.hits.indptr)[[0, 2, 3, 4, 8]].tolist() == [1875, 1349, 4541, 3517, 3641]


def test_geant4_file_becomes_the_same_muons_in_both_layouts(reference_data: Path, tmp_path: Path) -> None:
    compact = read_all(reference_data / "geant4_flat_06.root")
    first = Muons(
        compact.hits.slice(0, 8), *(v[:8] for v in (compact.energy_gev, compact.x_mm, compact.y_mm, compact.charge))
    )
    dense = read_all(write_b4(tmp_path / "part.root", first))
    assert_same(dense, first)
    assert content_checksum([dense]) == content_checksum([first])
    np.testing.assert_array_equal(event_bucket(dense), event_bucket(first))


@pytest.mark.parametrize(
    ("flags", "charge"),
    [
        ({"isMuon": [1, 1, 0]}, [-1, -1, 0]),
        ({"isMuon": [1, 0, 1], "isAntiMuon": [0, 1, 0]}, [-1, 1, -1]),
        ({}, [0, 0, 0]),
    ],
)
def test_charge_from_particle_flags(tmp_path: Path, flags: dict[str, list[int]], charge: list[int]) -> None:
    columns = b4_columns(make_muons(3))
    del columns["isMuon"], columns["isAntiMuon"]
    columns |= {name: np.array(values, dtype=np.int32) for name, values in flags.items()}
    assert read_all(write_tree(tmp_path / "part.root", "B4", columns)).charge.tolist() == charge


@pytest.mark.parametrize(("tree", "columns_of"), [("B4", b4_columns), ("muons", compact_columns)])
def test_limits_are_read_where_they_are_written(tmp_path: Path, tree: str, columns_of) -> None:
    columns = columns_of(make_muons(3))
    (plain,) = (m for _, m in read_muons(write_tree(tmp_path / "part.root", tree, columns), GEOMETRY))
    assert plain.limit_bits.dtype == np.float32 and np.isnan(plain.limit_bits).all()
    columns["limit_bits"] = np.array([0.5, -1.25, np.nan], np.float32)
    chunks = [m for _, m in read_muons(write_tree(tmp_path / "part.root", tree, columns), GEOMETRY)]
    bits = np.concatenate([m.limit_bits for m in chunks])
    np.testing.assert_array_equal(bits, columns["limit_bits"])
    assert np.isnan(np.concatenate([m.limit_bits_track for m in chunks])).all()
    assert content_checksum(chunks) == content_checksum([plain])


def test_compact_without_charge(tmp_path: Path) -> None:
    columns = compact_columns(make_muons(3))
    del columns["charge"]
    assert read_all(write_tree(tmp_path / "part.root", "muons", columns)).charge.tolist() == [0, 0, 0]


def test_coordinates_of_the_cells_do_not_matter(tmp_path: Path) -> None:
    muons = make_muons(2, n_cells=SMALL.n_cells)
    columns = b4_columns(muons, SMALL.n_cells)
    columns["rechit_z"] = np.full((2, SMALL.n_cells), np.nan)
    assert_same(read_all(write_tree(tmp_path / "part.root", "B4", columns), geometry=SMALL), muons)


def test_only_needed_branches_are_read(reference_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = set()

    def record(method: str) -> None:
        original = getattr(uproot.TBranch, method)

        def recording(self, *args, **kwargs):
            read.add(self.name)
            return original(self, *args, **kwargs)

        monkeypatch.setattr(uproot.TBranch, method, recording)

    record("array")
    record("basket_compressed_bytes")
    read_all(reference_data / "cmu_0.root")
    assert read == {"rechit_energy", "true_energy", "true_x", "true_y", "isMuon"}


def test_what_is_zero_in_single_precision_is_no_hit(tmp_path: Path) -> None:
    columns = b4_columns(make_muons(1, n_cells=SMALL.n_cells), SMALL.n_cells)
    columns["rechit_energy"][:] = 0.0
    columns["rechit_energy"][0, [3, 5, 7]] = [-0.0, 1e-60, 1e-12]
    hits = read_all(write_tree(tmp_path / "part.root", "B4", columns), geometry=SMALL).hits
    assert hits.cell.tolist() == [7]


def test_chunks_end_with_baskets_and_are_bounded(tmp_path: Path) -> None:
    path = write_b4(tmp_path / "part.root", make_muons(7), batch=2)
    with open_root(path) as file:
        _, tree = find_tree(file, ("B4",), path)
        assert entry_ranges(tree, "rechit_energy", 1e-9) == [(0, 2), (2, 4), (4, 6), (6, 7)]
        assert entry_ranges(tree, "rechit_energy", 5 * 0.4096) == [(0, 4), (4, 7)]
        assert entry_ranges(tree, "rechit_energy", 1e9) == [(0, 7)]
    assert [first for first, _ in read_muons(path, GEOMETRY, 1.0)] == [0, 2, 4, 6]


def test_checksum_depends_on_content_alone(tmp_path: Path) -> None:
    muons = make_muons(5)
    plain = content_checksum([muons])
    for path in (
        write_b4(tmp_path / "a.root", muons, batch=1),
        write_b4(tmp_path / "b.root", muons, compression=uproot.LZ4(1)),
        write_compact(tmp_path / "c.root", muons, batch=3),
    ):
        for chunk_mb in (1e-3, 64.0):
            assert content_checksum(chunk for _, chunk in read_muons(path, GEOMETRY, chunk_mb)) == plain
    changed = Muons(muons.hits, muons.energy_gev, muons.x_mm, muons.y_mm, -muons.charge)
    assert content_checksum([changed]) != plain
    moved = Muons(
        CellHits(np.roll(muons.hits.indptr, 0), muons.hits.cell ^ np.uint16(1), muons.hits.energy),
        *(muons.energy_gev, muons.x_mm, muons.y_mm, muons.charge),
    )
    assert content_checksum([moved]) != plain


def test_bucket_is_the_hash_of_the_generated_muon() -> None:
    muons = make_muons(6)
    muons.charge[2] = 0
    assert event_identity(muons).shape == (6, 13)
    for i, bucket in enumerate(event_bucket(muons)):
        record = np.array([muons.energy_gev[i], muons.x_mm[i], muons.y_mm[i]], dtype="<f4").tobytes()
        if muons.charge[i]:
            record += np.int8(muons.charge[i]).tobytes()
        assert bucket == int.from_bytes(hashlib.blake2b(record, digest_size=8).digest(), "big") % 3600


def test_faulty_file_is_refused_with_place_and_fix(tmp_path: Path) -> None:
    columns = b4_columns(make_muons(4))
    columns["rechit_energy"][3, 17] = -1.0
    path = write_tree(tmp_path / "part.root", "B4", columns)
    with pytest.raises(
        NtupleError, match=r"part\.root, tree B4, branch rechit_energy, entry 3: negative deposit"
    ) as error:
        read_all(path)
    assert error.value.problems[0].fix


def test_remote_file_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_args, **_kwargs):
        raise ImportError("Install fsspec-xrootd")

    monkeypatch.setattr(uproot, "open", absent)
    with pytest.raises(NtupleError, match=r"hitforge\[remote\]") as error, open_root("root://host//a.root"):
        pass
    assert error.value.problems[0].reason == "missing_package"
    with pytest.raises(NtupleError, match="protocol https"), open_root("https://host/a.root"):
        pass


def test_unreachable_remote_file_does_not_blame_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(error: Exception):
        def fail(*_args, **_kwargs):
            raise error

        return fail

    monkeypatch.setattr(uproot, "open", failing(OSError("connection refused")))
    with pytest.raises(RemoteReadError, match="network and certificate"), open_root("root://host//a.root"):
        pass
    monkeypatch.setattr(uproot, "open", failing(FileNotFoundError("a.root")))
    with pytest.raises(NtupleError, match="missing_file"), open_root("root://host//a.root"):
        pass


def test_path_with_a_colon(tmp_path: Path) -> None:
    folder = tmp_path / "run:1"
    folder.mkdir()
    muons = make_muons(2)
    assert_same(read_all(write_compact(folder / "part.root", muons)), muons)


def test_missing_tree_lists_what_is_there(tmp_path: Path) -> None:
    path = write_tree(tmp_path / "part.root", "other", {"a": np.arange(3)})
    with (
        open_root(path) as file,
        pytest.raises(NtupleError, match=r"no TTree or RNTuple named B4 or muons.*other \(TTree\)"),
    ):
        find_tree(file, ("B4", "muons"), path)
