"""The three layouts give the same roads; identity is content."""

from __future__ import annotations

import hashlib
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import uproot
from pydantic import ValidationError

from hitforge.folds import event_bucket
from hitforge.inspection import ContentChecksum
from hitforge.ntuple import NtupleError
from hitforge.studies.csc_muon.data.ntuple import (
    checksum_columns,
    event_numbers,
    open_roads,
    read_roads,
)
from hitforge.studies.csc_muon.data.roads import PARAMETER_NAMES, VARIABLE_NAMES, Roads
from hitforge.studies.csc_muon.settings import SCALARS, ReaderSettings
from tests.unit.csc_muon.part_builders import MAPPED, some_roads, write_npz, write_scalars, write_vector

PLAIN = ReaderSettings()
SMALL_CHUNK_MB = 50 * 348 / 1e6


@pytest.fixture(scope="module")
def roads() -> Roads:
    return some_roads()


def read(source: Path | str, settings: ReaderSettings = PLAIN, chunk_mb: float = SMALL_CHUNK_MB) -> Roads:
    return Roads.concatenate([roads for _, roads in read_roads(source, settings, chunk_mb)])


def assert_same(found: Roads, expected: Roads) -> None:
    for name in ("variables", "parameters", "event", "n_hits", "mode", "weight"):
        values = getattr(found, name)
        assert values.dtype == getattr(expected, name).dtype, name
        np.testing.assert_array_equal(values, getattr(expected, name), err_msg=name)


def checksum(chunks: list[Roads]) -> str:
    digest = ContentChecksum()
    for roads in chunks:
        digest.update(*checksum_columns(roads))
    return digest.hexdigest()


def test_three_layouts_one_table(tmp_path: Path, roads: Roads) -> None:
    vector = read(write_vector(tmp_path / "vector.root", roads))
    scalars = read(write_scalars(tmp_path / "scalars.root", roads), MAPPED)
    npz = read(write_npz(tmp_path / "original.npz", roads))
    packed = read(write_npz(tmp_path / "packed.npz", roads, compressed=True))
    for found in (vector, scalars, npz, packed):
        assert_same(found, roads)


def test_layouts_are_named(tmp_path: Path, roads: Roads) -> None:
    write_vector(tmp_path / "a.root", roads)
    write_scalars(tmp_path / "b.root", roads)
    write_npz(tmp_path / "c.npz", roads)
    found = []
    for name, settings in (("a.root", PLAIN), ("b.root", MAPPED), ("c.npz", PLAIN)):
        for ntuple in open_roads(tmp_path / name, settings):
            found.append((ntuple.layout, ntuple.n_events, ntuple.n_bytes == (tmp_path / name).stat().st_size))
    assert found == [("vector", len(roads), True), ("scalars", len(roads), True), ("npz", len(roads), True)]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0)])
def test_parameter_order_of_npz_is_detected(tmp_path: Path, roads: Roads, order: tuple[int, int, int]) -> None:
    """In the file q/pT comes first; the article numbers it last."""
    assert_same(read(write_npz(tmp_path / "a.npz", roads, order)), roads)


def test_ambiguous_parameter_order_is_an_error(tmp_path: Path, roads: Roads) -> None:
    np.savez(tmp_path / "a.npz", variables=roads.variables, parameters=np.full((len(roads), 3), 2.0, np.float32))
    with pytest.raises(NtupleError, match="parameter_order"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("compressed", [False, True])
def test_slices_of_a_file_are_its_parts(tmp_path: Path, roads: Roads, compressed: bool) -> None:
    path = write_npz(tmp_path / "a.npz", roads, compressed=compressed)
    addresses = [f"{path}#slice_{k}_of_7" for k in range(7)]
    parts = [read(address) for address in addresses]
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert_same(Roads.concatenate(parts), roads)
    first = [next(read_roads(address, PLAIN))[0] for address in addresses]
    assert first == [len(roads) * k // 7 for k in range(7)]
    with pytest.raises(NtupleError, match="no slice 7 of 7"):
        read(f"{path}#slice_7_of_7")


def test_npz_is_read_in_bounded_memory(tmp_path: Path) -> None:
    n = 40_000
    variables = np.zeros((n, 87), np.float32)
    variables[:, :72], variables[:, 72:84] = np.nan, 1
    parameters = np.tile(np.float32([0.1, 3.0, 2.0]), (n, 1))
    np.savez(tmp_path / "a.npz", variables=variables, parameters=parameters)
    size = variables.nbytes
    del variables
    tracemalloc.start()
    count = sum(len(roads) for _, roads in read_roads(tmp_path / "a.npz", PLAIN, chunk_mb=0.2))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == n
    assert peak < size / 4


def test_optional_branches_have_defaults(tmp_path: Path, roads: Roads) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        tree = file.mktree("muons", {"variables": ("<f8", (87,)), "parameters": ("<f4", (3,)), "event": "<i8"})
        tree.extend(
            {
                "variables": roads.variables.astype(np.float64),
                "parameters": roads.parameters,
                "event": np.arange(len(roads)),
            }
        )
    found = read(tmp_path / "a.root")
    np.testing.assert_array_equal(found.event, np.arange(len(roads)))
    np.testing.assert_array_equal(found.mode, roads.mode)
    np.testing.assert_array_equal(found.n_hits, roads.n_hits)
    assert (found.weight == 1).all()


def test_scalars_without_event_are_identified_by_content(tmp_path: Path, roads: Roads) -> None:
    settings = ReaderSettings(branches={name: f"vh_{name}" for name in SCALARS})
    assert_same(read(write_scalars(tmp_path / "a.root", roads), settings), roads)


def test_mapping_names_all_90_columns() -> None:
    assert len(SCALARS) == 90
    with pytest.raises(ValidationError, match="90 in all"):
        ReaderSettings(branches={"event": "event"})
    with pytest.raises(ValidationError, match="phi_me5"):
        ReaderSettings(branches={**dict.fromkeys(SCALARS, "x"), "phi_me5": "x"})


def test_checksum_knows_neither_layout_nor_chunks(tmp_path: Path, roads: Roads) -> None:
    whole = checksum([roads])
    pieces = [chunk for _, chunk in read_roads(write_vector(tmp_path / "a.root", roads), PLAIN, SMALL_CHUNK_MB)]
    assert len(pieces) > 1
    assert checksum(pieces) == whole
    assert checksum([read(write_npz(tmp_path / "b.npz", roads))]) == whole
    changed = roads.variables.copy()
    changed[5, 2] += 1
    assert checksum([Roads(changed, *list(vars(roads).values())[1:])]) != whole


def test_other_bits_of_nan_do_not_matter(roads: Roads) -> None:
    other = roads.variables.copy()
    other.view(np.uint32)[np.isnan(other)] |= 1
    assert checksum([Roads(other, *list(vars(roads).values())[1:])]) == checksum([roads])


def test_roads_of_an_event_share_a_bucket(roads: Roads) -> None:
    event = np.repeat(roads.event, 2)
    bucket = event_bucket(event, "csc_gun")
    np.testing.assert_array_equal(bucket[::2], bucket[1::2])
    assert len(np.unique(bucket)) > 250
    assert (event_bucket(event, "other") != bucket).any()
    # two roads of one muon in an npz file have its parameters, and so its number
    assert len(np.unique(event_numbers(np.repeat(roads.parameters, 2, axis=0)))) == len(roads)


def test_bucket_and_event_number_never_change() -> None:
    numbers = event_numbers(np.array([[0.1, 1.5, -2.0], [-0.25, 0.0, 1.3]], dtype=np.float32))
    assert numbers.tolist() == [14627228036287593848, 12634659572439360033]
    record = b"csc_gun" + struct.pack("<Q", numbers[0])
    first = int.from_bytes(hashlib.blake2b(record, digest_size=8).digest(), "big") % 3600
    assert event_bucket(numbers, "csc_gun").tolist() == [first, 3336]


def test_names_of_columns() -> None:
    assert VARIABLE_NAMES.index("theta_me11") == 12
    assert VARIABLE_NAMES.index("mask_me0") == 83
    assert PARAMETER_NAMES[0] == "q_over_pt"
