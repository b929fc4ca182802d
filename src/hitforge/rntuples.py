"""The fields of an RNTuple, read in ranges of entries whose memory does not depend on how large its clusters are.

ROOT writes clusters of up to 1.3 GB uncompressed. uproot's arrays are made of whole clusters, so pages (1 MB) are
asked for here; uproot decompresses and decodes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, Final, Literal

import awkward as ak
import numpy as np
import uproot
import xxhash
from numpy.typing import NDArray

from hitforge.trees import Numbers

_TYPES: Final = {
    **{"bool": "?", "char": "i1", "float": "f4", "double": "f8"},
    **{f"std::{sign}int{8 * size}_t": f"{sign or 'i'}{size}" for sign in ("", "u") for size in (1, 2, 4, 8)},
    **{f"ROOT::RNTupleCardinality<std::uint{8 * size}_t>": f"u{size}" for size in (4, 8)},
}
"""Types of numbers, by their C++ names. The last are lengths of lists."""

_QUANTISED: Final = uproot.const.rntuple_col_type_to_num_dict["real32quant"]
_PAGE: Final = 2**20  # bytes; ROOT's default
_CHECKSUM: Final = 8


@dataclass(frozen=True)
class _Stored:
    """Where the numbers of a field are.

    Attributes
    ----------
    numbers : Numbers
        What they are.
    content : int or None
        Column of the numbers; None for lengths of lists.
    lists : int or None
        Column of where the lists end.
    """

    numbers: Numbers
    content: int | None
    lists: int | None


class RNTuple:
    """An RNTuple that is open for reading; see :class:`hitforge.trees.Tree`. Its branches are the top fields.

    Parameters
    ----------
    ntuple : uproot RNTuple

    Raises
    ------
    ValueError
        The lists of its pages are damaged.
    """

    def __init__(self, ntuple: Any) -> None:
        self._ntuple = ntuple
        for group in ntuple.footer.cluster_group_records:
            link = group.page_list_link
            raw = ntuple.read_locator(link.locator, link.env_uncomp_size)[0].raw_data
            if xxhash.xxh3_64_intdigest(raw[:-_CHECKSUM]) != int.from_bytes(bytes(raw[-_CHECKSUM:]), "little"):
                raise ValueError("the checksum of a list of pages is wrong")
        self.num_entries = int(ntuple.num_entries)
        self._edges = np.cumsum([0, *(cluster.num_entries for cluster in ntuple.cluster_summaries)])
        self._fields = list(ntuple.field_records)
        self._inside: dict[int, list[int]] = {}
        self._top: dict[str, int] = {}
        for number, field in enumerate(self._fields):
            if field.parent_field_id == number:
                self._top[field.field_name] = number
            else:
                self._inside.setdefault(field.parent_field_id, []).append(number)
        self.names = frozenset(self._top)

    def numbers(self, branch: str) -> Numbers | None:
        """Return what a field holds, or None for anything whose bytes are not surely read as what they are."""
        stored = self._stored(branch)
        return None if stored is None else stored.numbers

    def type_words(self, branch: str) -> str:
        """Return the C++ type of a field, and how it is packed if that is why it is not read."""
        field = self._fields[self._top[branch]]
        packed = any(self._ntuple.column_records[column].type == _QUANTISED for column in self._columns(branch))
        return f"{field.type_name or 'a collection without a type'}{' in quantised numbers' if packed else ''}"

    def _columns(self, branch: str) -> list[int]:
        """Return all columns of a field and of the fields in it."""
        fields = [self._top[branch]]
        for field in fields:
            fields.extend(self._inside.get(field, []))
        return [column for field in fields for column in self._columns_of(field)]

    def _columns_of(self, field: int) -> list[int]:
        source = self._fields[field].source_field_id  # a field may be a view of another one
        own = field if source is None else source
        return [column.idx for column in self._ntuple.column_records if column.field_id == own]

    def _stored(self, branch: str) -> _Stored | None:
        roles = uproot.const.RNTupleFieldRole
        number, lists = self._top[branch], None
        shape: list[int] = []
        while True:
            field, inside, columns = self._fields[number], self._inside.get(number, []), self._columns_of(number)
            if field.struct_role == roles.LEAF and field.repetition and len(inside) == 1 and lists is None:
                shape.append(int(field.repetition))
            elif (
                field.struct_role == roles.COLLECTION
                and len(inside) == len(columns) == 1
                and not shape
                and lists is None
                and not field.type_name.startswith(("std::optional", "std::unique_ptr"))
            ):
                lists = columns[0]
            else:
                break
            number = inside[0]
        # several columns are several encodings of one field
        if field.struct_role != roles.LEAF or inside or len(columns) != 1 or field.type_name not in _TYPES:
            return None
        dtype = np.dtype(_TYPES[field.type_name])
        if "Cardinality" in field.type_name:
            return None if shape or lists is not None else _Stored(Numbers(dtype, dtype, ()), None, columns[0])
        column = self._ntuple.column_records[columns[0]]
        in_file = self._ntuple.get_field_metadata(columns[0]).dtype
        # a char has its sign from the machine, which is that of all where ROOT runs
        if not (np.can_cast(in_file, dtype) or field.type_name == "char"):
            return None
        if column.type == _QUANTISED and field.type_name == "double":
            return None  # ROOT computes them in double precision, uproot in single
        return _Stored(Numbers(dtype, in_file, tuple(shape) if lists is None else None), columns[0], lists)

    def entries_of(self, branch: str) -> int:
        """Return the number of entries of a field; one that was added later has fewer."""
        stored = self._stored(branch)
        if stored is None:
            return self.num_entries
        column = stored.content if stored.lists is None else stored.lists
        return sum(self._n_elements(column, c) for c in range(len(self._edges) - 1)) // (stored.numbers.length or 1)

    def ends(self, branch: str) -> NDArray[np.int64]:
        """Return the entries at which reading a field may stop: a page cut in two is small."""
        pieces = min(self.n_bytes(branch) // _PAGE + 1, max(self.num_entries, 1))
        return np.linspace(0, self.num_entries, pieces + 1).astype(np.int64)[1:]

    def n_bytes(self, branch: str) -> int:
        """Return the uncompressed size of a field."""
        return sum(
            self._n_elements(column, cluster) * int(self._ntuple.get_field_metadata(column).dtype.itemsize)
            for column in self._columns(branch)
            for cluster in range(len(self._edges) - 1)
        )

    def array(self, branch: str, start: int, stop: int, library: Literal["np", "ak"]) -> Any:
        """Return the entries ``start:stop`` of a field.

        Raises
        ------
        ValueError
            It is none that is surely read, or its places contradict each other.
        """
        stored = self._stored(branch)
        if stored is None:
            raise ValueError(f"{self.type_words(branch)} is not read")
        pieces = [
            (cluster, max(start, first) - first, min(stop, last) - first)
            for cluster, (first, last) in enumerate(pairwise(self._edges.tolist()))
            if max(start, first) < min(stop, last)
        ]
        if stored.lists is None:
            length = prod(stored.numbers.shape or ())
            places = [(cluster, first * length, last * length) for cluster, first, last in pieces]
            values = self._content(stored, places).reshape(-1, *(stored.numbers.shape or ()))
            return ak.Array(values) if library == "ak" else values
        bounds = [(c, self._bounds(stored, c)[first : last + 1]) for c, first, last in pieces]
        counts = np.concatenate([np.zeros(0, np.int64), *(np.diff(places) for _, places in bounds)])
        if stored.content is None:
            lengths = counts.astype(stored.numbers.dtype)
            return ak.Array(lengths) if library == "ak" else lengths
        content = self._content(stored, [(c, int(places[0]), int(places[-1])) for c, places in bounds])
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        lists = ak.contents.ListOffsetArray(ak.index.Index64(offsets), ak.contents.NumpyArray(content))
        return ak.Array(lists)

    def friends(self) -> tuple[str, ...]:
        """Return nothing: an RNTuple has no friends in its file."""
        return ()

    def _pages(self, column: int | None, cluster: int) -> list[Any]:
        """Return the pages of a column in a cluster; one that was added later has none in those before."""
        columns = self._ntuple.page_link_list[cluster]
        return list(columns[column].pages) if column is not None and column < len(columns) else []

    def _n_elements(self, column: int | None, cluster: int) -> int:
        return sum(int(page.num_elements) for page in self._pages(column, cluster))

    def _bounds(self, stored: _Stored, cluster: int) -> NDArray[np.int64]:
        """Return where the lists of a cluster begin and, last, end."""
        metadata = self._ntuple.get_field_metadata(stored.lists)
        ends = self._ntuple.read_cluster_pages(cluster, stored.lists, metadata).astype(np.int64)
        bounds = np.append(0, ends)
        # nothing else says how many numbers the lists have
        n_content = None if stored.content is None else self._n_elements(stored.content, cluster)
        if (np.diff(bounds) < 0).any() or n_content not in (None, bounds[-1]):
            raise ValueError(f"the places of the lists in cluster {cluster} are damaged")
        return bounds

    def _content(self, stored: _Stored, places: list[tuple[int, int, int]]) -> NDArray[Any]:
        """Return the numbers ``first:last`` of each of some clusters."""
        metadata = self._ntuple.get_field_metadata(stored.content)
        values = np.empty(sum(last - first for _, first, last in places), metadata.dtype)
        filled = 0
        for cluster, first, last in places:
            self._fill(values[filled : filled + last - first], metadata, cluster, first)
            filled += last - first
        if stored.numbers.dtype == np.int8:
            return values.view(np.int8)
        return values.astype(stored.numbers.dtype, copy=False)

    def _fill(self, values: NDArray[Any], metadata: Any, cluster: int, first: int) -> None:
        """Fill an array with the numbers of a cluster from the ``first`` on."""
        start, last = 0, first + len(values)
        for number, page in enumerate(self._pages(metadata.ncol, cluster)):
            stop = start + int(page.num_elements)
            low, high = max(first, start), min(last, stop)
            if low < high:
                target = values[low - first : high - first]
                whole = target if high - low == stop - start else np.empty(stop - start, values.dtype)
                self._ntuple.read_page(whole, cluster, metadata.ncol, number, metadata)
                if whole is not target:
                    target[:] = whole[low - start : high - start]
            start = stop
        if start < last:
            raise ValueError(f"cluster {cluster} has {start} of {last} numbers")
        self._ntuple.post_process(values, metadata)
