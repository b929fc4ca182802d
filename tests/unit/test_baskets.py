"""Baskets in reused memory against the same baskets read by uproot alone."""

from __future__ import annotations

import struct
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from hitforge.baskets import BasketReader

BATCHES = (4, 1, 6)
COMPRESSIONS = [None, uproot.ZLIB(1), uproot.LZMA(1), uproot.LZ4(1), uproot.ZSTD(1)]


def write(path: Path, compression: object, width: int = 50) -> Path:
    """Write the branches ``fixed`` (width doubles an entry) and ``list`` in three baskets each."""
    rng = np.random.default_rng(1)
    counts = np.array([0, 3, 1, 0, 7, 2, 0, 0, 5, 4, 1])
    values = rng.integers(0, 9, counts.sum()).astype(np.float32)
    columns = {"fixed": rng.integers(0, 9, (11, width)).astype(float), "list": ak.unflatten(values, counts)}
    with uproot.recreate(path, compression=compression) as file:
        tree = file.mktree("t", {"fixed": (np.dtype("f8"), (width,)), "list": "var * float32"})
        start = 0
        for number in BATCHES:
            tree.extend({name: column[start : start + number] for name, column in columns.items()})
            start += number
    return path


def entries(branch, start: int, stop: int) -> list[bytes]:
    """Return the bytes of each entry."""
    found = []
    for basket in BasketReader(branch).between(start, stop):
        number = basket.stop - basket.start
        assert basket.start == start + len(found)
        if basket.offsets is None:
            found += [row.tobytes() for row in basket.content.reshape(number, -1)]
        else:
            assert basket.offsets[0] == 0 and basket.offsets[-1] == len(basket.content)
            pieces = zip(basket.offsets[:-1], basket.offsets[1:], strict=True)
            found += [basket.content[first:last].tobytes() for first, last in pieces]
    return found


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=str)
@pytest.mark.parametrize("name", ["fixed", "list"])
def test_every_range_of_entries_equals_uproot(tmp_path: Path, compression: object, name: str) -> None:
    with uproot.open(write(tmp_path / "a.root", compression)) as file:
        branch = file["t"][name]
        plain = [np.asarray(row).astype(">f8" if name == "fixed" else ">f4").tobytes() for row in branch.array()]
        for start in range(12):
            for stop in range(start, 12):
                assert entries(branch, start, stop) == plain[start:stop]


@pytest.mark.parametrize("compression", [uproot.ZLIB(1), uproot.LZMA(1), uproot.ZSTD(1)], ids=str)
def test_basket_of_several_compressed_blocks(tmp_path: Path, compression: object) -> None:
    width = 400_000  # six entries are 19 MB, a block holds at most 16
    with uproot.open(write(tmp_path / "a.root", compression, width)) as file:
        branch = file["t"]["fixed"]
        blocks = branch.basket(2).block_compression_info
        assert len(blocks) == 2
        assert entries(branch, 5, 11) == [row.astype(">f8").tobytes() for row in branch.array(library="np")[5:]]


def damaged(path: Path, name: str, field: int, value: int, form: str) -> BasketReader:
    """Overwrite a field of a branch's first basket; ``field`` counts from its key, from the key's end if negative."""
    with uproot.open(path) as file:
        branch = file["t"][name]
        place = int(branch.member("fBasketSeek")[0]) + field
        if field < 0:
            place += int(branch.basket(0).member("fKeylen"))
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, place, value)
    path.write_bytes(bytes(content))
    return BasketReader(uproot.open(path)["t"][name])


@pytest.mark.parametrize(
    ("field", "value", "form", "error"),
    [
        (0, 2**30, ">i", "but its key says"),  # bytes with key
        (14, 5, ">h", "but its key says"),  # bytes of the key
        (6, 17, ">i", "a compressed block of basket 0 is longer"),  # bytes of the content
        (6, 2**20, ">i", "has 1600 bytes, but its key says 1048576"),
        (-9, 3, ">i", "the tree expects 4 entries"),  # entries
        (-5, 2**20, ">i", "bytes of values"),  # end of the values
    ],
)
def test_sizes_that_contradict_each_other(tmp_path: Path, field: int, value: int, form: str, error: str) -> None:
    reader = damaged(write(tmp_path / "a.root", uproot.ZSTD(1)), "fixed", field, value, form)
    with pytest.raises(ValueError, match=error):
        list(reader.between(0, 4))


def test_damaged_places_of_entries(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root", None)
    with uproot.open(path) as file:
        second = int(file["t"]["list"].basket(0).member("fLast")) + 8  # after number of places and first place
    with pytest.raises(ValueError, match="places of the entries in basket 0 are damaged"):
        list(damaged(path, "list", second, 2**20, ">i").between(0, 4))
