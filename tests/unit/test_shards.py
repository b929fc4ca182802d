"""Shard format version 1: round trip, determinism, refusal of what is not whole."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import cramjam
import h5py
import hdf5plugin
import numpy as np
import pytest

from hitforge.chunks import ZstdColumn
from hitforge.hits import CellHits
from hitforge.provenance import OutOfSpaceError, atomic_path
from hitforge.shards import Shard, ShardBlock, ShardError, ShardLayout, write_shard

LAYOUT = ShardLayout(("a", "b"), ("GeV", ""), {"energy": "GeV"}, {"x": "mm"}, voxel_shape=(2, 3, 4))
ATTRIBUTES = {"study": "toy", "sample": "train", "part": "p", "content_checksum": "0", "config_hash": "0"}


def toy_block(n: int, seed: int = 0) -> ShardBlock:
    rng = np.random.default_rng(seed)
    dense = rng.random((n, 24)).astype(np.float32) * (rng.random((n, 24)) < 0.3)
    return ShardBlock(
        features=rng.random((n, 2)).astype(np.float32),
        bucket=rng.integers(0, 3600, n).astype(np.int16),
        entry=np.arange(n),
        targets={"energy": rng.random(n).astype(np.float32)},
        truth={"x": rng.random(n).astype(np.float32)},
        hits=CellHits.from_dense(dense),
    )


def test_round_trip_of_two_blocks(tmp_path: Path) -> None:
    blocks = [toy_block(5, 1), toy_block(7, 2)]
    path = tmp_path / "shard.h5"
    assert write_shard(path, LAYOUT, blocks, ATTRIBUTES) == 12
    with Shard(path) as shard:
        assert len(shard) == 12
        assert shard.feature_names == ("a", "b")
        np.testing.assert_array_equal(shard.column("features")[5:], blocks[1].features)
        hits = shard.hits(3, 9).to_dense(24)
    assert blocks[0].hits is not None and blocks[1].hits is not None
    expected = np.concatenate([blocks[0].hits.to_dense(24), blocks[1].hits.to_dense(24)])[3:9]
    np.testing.assert_array_equal(hits, expected)


def test_every_dataset_comes_back(tmp_path: Path) -> None:
    layout = replace(LAYOUT, images={"cells": (2, 3)})
    images = np.random.default_rng(4).random((5, 2, 3)).astype(np.float32)
    block = replace(toy_block(5), images={"cells": images}, entry=np.arange(5) + 2**40)
    write_shard(tmp_path / "shard.h5", layout, [block], ATTRIBUTES)
    expected = {"features": block.features, "bucket": block.bucket, "entry": block.entry, "images/cells": images}
    expected |= {"targets/energy": block.targets["energy"], "truth/x": block.truth["x"]}
    with Shard(tmp_path / "shard.h5") as shard:
        for name, values in expected.items():
            np.testing.assert_array_equal(shard.column(name), values)
            np.testing.assert_array_equal(shard.rows(name, 1, 3), values[1:3])
        assert block.hits is not None
        np.testing.assert_array_equal(shard.hit_counts(), np.diff(block.hits.indptr))
        assert shard.voxel_shape == (2, 3, 4)
        assert not shard.features_scaled
    write_shard(tmp_path / "flat.h5", replace(LAYOUT, voxel_shape=None), [], ATTRIBUTES | {"features_scaled": True})
    with Shard(tmp_path / "flat.h5") as shard:
        assert shard.voxel_shape is None and shard.features_scaled


@pytest.mark.parametrize("wrong", ["targets/energy", "truth/x", "features", "bucket", "energy", "cell", "indptr"])
def test_rows_that_disagree_are_refused(tmp_path: Path, wrong: str) -> None:
    block = toy_block(5)
    assert block.hits is not None and len(block.hits.cell) > 0
    hits = {name: getattr(block.hits, name) for name in ("indptr", "cell", "energy")}
    if wrong == "indptr":
        changed = replace(block, hits=None)
    elif wrong in hits:
        changed = replace(block, hits=CellHits(**(hits | {wrong: hits[wrong][:-1]})))
    elif "/" in wrong:
        group, name = wrong.split("/")
        changed = replace(block, **{group: {name: getattr(block, group)[name][:-1]}})
    else:
        changed = replace(block, **{wrong: getattr(block, wrong)[:-1]})
    with pytest.raises(ShardError, match=rf"row counts .*'{wrong}'"):
        write_shard(tmp_path / "shard.h5", LAYOUT, [changed], ATTRIBUTES)
    assert list(tmp_path.iterdir()) == []


def test_rebuilt_shard_is_byte_identical(tmp_path: Path) -> None:
    blocks = [toy_block(5, 1), toy_block(7, 2)]
    for name in ("a.h5", "b.h5"):
        write_shard(tmp_path / name, LAYOUT, blocks, ATTRIBUTES)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_empty_shard_is_valid(tmp_path: Path) -> None:
    assert write_shard(tmp_path / "empty.h5", LAYOUT, [], ATTRIBUTES) == 0
    with Shard(tmp_path / "empty.h5") as shard:
        shard.check()
        assert shard.column("features").shape == (0, 2)
        assert len(shard.hits(0, 0)) == 0


def test_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def breaks():
        yield toy_block(3)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_shard(tmp_path / "shard.h5", LAYOUT, breaks(), ATTRIBUTES)
    assert list(tmp_path.iterdir()) == []


def test_unknown_version_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "shard.h5"
    write_shard(path, LAYOUT, [toy_block(2)], ATTRIBUTES)
    with h5py.File(path, "r+") as handle:
        handle.attrs["format_version"] = 99
    with pytest.raises(ShardError, match=r"format 99.*rebuild"):
        Shard(path)


def test_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.h5").write_text("not HDF5")
    with pytest.raises(ShardError, match=r"no\.h5"):
        Shard(tmp_path / "no.h5")


@pytest.mark.parametrize("first, last", [(0, 1), (0, 1000), (250, 750), (499, 501), (999, 1000), (500, 500)])
def test_chunks_are_decompressed_as_hdf5_does(tmp_path: Path, first: int, last: int) -> None:
    values = np.random.default_rng(1).integers(0, 50, 1000).astype(np.uint16)
    with h5py.File(tmp_path / "a.h5", "w") as handle:
        zstd = handle.create_dataset("zstd", data=values, chunks=(250,), maxshape=(None,), **hdf5plugin.Zstd())
        # a chunk that was written without the filter
        zstd.id.write_direct_chunk((500,), values[500:750][::-1].tobytes(), filter_mask=1)
        plain = handle.create_dataset("plain", data=values, chunks=(250,))
        both = handle.create_dataset("both", data=values, chunks=(250,), shuffle=True, **hdf5plugin.Zstd())
        assert [ZstdColumn.can_read(dataset) for dataset in (zstd, plain, both)] == [True, False, False]
        column = ZstdColumn(zstd)
        for _ in range(2):
            np.testing.assert_array_equal(column.rows(first, last), zstd[first:last])


def test_damaged_chunk_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as handle:
        zstd = handle.create_dataset("zstd", data=np.zeros(500, np.uint16), chunks=(250,), **hdf5plugin.Zstd())
        zstd.id.write_direct_chunk((250,), bytes(cramjam.zstd.compress(bytes(8))))
        with pytest.raises(OSError, match=r"a\.h5: chunk 1 of /zstd is damaged"):
            ZstdColumn(zstd).rows(0, 400)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("Can't write data (file write failed: errno = 28, error message = 'No space left on device')"),
        RuntimeError("Can't close dataset (file write failed: errno = 122, error message = 'Disk quota exceeded')"),
    ],
)
def test_a_full_disk_is_named_however_hdf5_says_it(tmp_path: Path, error: Exception) -> None:
    target = tmp_path / "shard.h5"

    def write() -> None:
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(OutOfSpaceError, match=r"shard\.h5: no space left; free some"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_another_error_of_hdf5_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Can't close dataset"), atomic_path(tmp_path / "shard.h5"):
        raise RuntimeError("Can't close dataset (errno = 5, error message = 'Input/output error')")
