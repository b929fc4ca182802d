"""The branches of a TTree: which of them are surely read as what they are.

A branch is read only where the bytes of its file are known to be what the library takes them for. uproot reads some of
ROOT's packed numbers (``Double32_t`` with a range, in arrays and lists) as plain ones, without an error.
"""

from __future__ import annotations

import struct
from math import prod
from typing import Any, Final, Literal

import numpy as np
import uproot
from numpy.typing import NDArray

from hitforge.trees import Numbers

_SIZES: Final = {
    **{"TLeafO": 1, "TLeafB": 1, "TLeafS": 2, "TLeafI": 4, "TLeafL": 8, "TLeafG": 8, "TLeafF": 4, "TLeafD": 8},
    "TLeafD32": 4,  # Double32_t without a range is stored as float
}
"""Bytes of a number in the file, by the class of its leaf."""


class TTree:
    """A TTree that is open for reading; see :class:`hitforge.trees.Tree`.

    Parameters
    ----------
    tree : uproot.TTree
    """

    def __init__(self, tree: Any) -> None:
        self._tree = tree
        self.num_entries = int(tree.num_entries)
        self.names = frozenset(tree.keys(recursive=False))

    def branch(self, name: str) -> Any:
        """Return a branch as uproot has it."""
        return self._tree[name]

    def numbers(self, branch: str) -> Numbers | None:
        """Return what a branch holds, or None for anything whose bytes are not surely read as what they are."""
        found = self._tree[branch]
        try:
            interpretation = found.interpretation
            leaves = list(found.member("fLeaves"))
        except Exception:  # noqa: BLE001 (uproot fails in many ways to interpret a branch; each means that it cannot)
            return None
        jagged = type(interpretation) is uproot.AsJagged
        content = interpretation.content if jagged else interpretation
        if type(content) is not uproot.AsDtype or len(leaves) != 1 or _is_packed(found):
            return None
        stored, dtype, shape = content.from_dtype.base, content.to_dtype.base, content.to_dtype.shape
        if dtype.kind not in "biuf" or (jagged and shape):
            return None
        leaf = leaves[0]
        header = int(interpretation.header_bytes) if jagged else 0
        if leaf.classname in _SIZES:
            if _SIZES[leaf.classname] != stored.itemsize or prod(shape) != leaf.member("fLen"):
                return None
        elif leaf.classname != "TLeafElement" or (not header and prod(shape) != leaf.member("fLen")):
            return None
        return Numbers(dtype, stored, None if jagged else tuple(shape), header)

    def type_words(self, branch: str) -> str:
        """Return the type of a branch for a person."""
        found = self._tree[branch]
        if _is_packed(found):
            leaf = found.member("fLeaves")[0]
            return f"packed numbers, Float16_t or Double32_t with a range ({leaf.member('fTitle')})"
        return str(found.typename)

    def entries_of(self, branch: str) -> int:
        """Return the number of entries of a branch."""
        return int(self._tree[branch].num_entries)

    def ends(self, branch: str) -> NDArray[np.int64]:
        """Return the entries at which the baskets of a branch end: none is decompressed twice."""
        ends = np.asarray(self._tree[branch].entry_offsets[1:], dtype=np.int64)
        return ends if len(ends) and ends[-1] == self.num_entries else np.append(ends, self.num_entries)

    def n_bytes(self, branch: str) -> int:
        """Return the uncompressed size of a branch."""
        return int(self._tree[branch].uncompressed_bytes)

    def array(self, branch: str, start: int, stop: int, library: Literal["np", "ak"]) -> Any:
        """Return the entries ``start:stop`` of a branch."""
        return self._tree[branch].array(entry_start=start, entry_stop=stop, library=library)

    def friends(self) -> tuple[str, ...]:
        """Return tree and file of each friend; uproot passes over this part of a tree's record."""
        parent, _, name = self._tree.object_path.rpartition(":")[2].rpartition("/")
        directory = self._tree.file.root_directory[parent] if parent.strip("/") else self._tree.file.root_directory
        chunk, cursor = directory.key(name).get_uncompressed_chunk_cursor()
        raw = bytes(np.asarray(chunk.raw_data))
        first = raw.find(b"TFriendElement\0") - _BEFORE_NAME
        if first < 0:
            return ()
        cursor.move_to(cursor.index + first)
        found = []
        for _ in range(*_COUNT.unpack_from(raw, first - _COUNT.size)):
            friend = uproot.deserialization.read_object_any(chunk, cursor, {}, self._tree.file, self._tree.file, None)
            cursor.bytestring(chunk, {})  # the option that it was added with
            found.append(f"{friend.member('fTreeName')} in {friend.member('fTitle') or 'the same file'}")
        return tuple(found)


_COUNT: Final = struct.Struct(">i")
_BEFORE_NAME: Final = 8  # number of bytes and tag of the first object of a class


def _is_packed(branch: Any) -> bool:
    """Whether a branch holds ``Float16_t``, or ``Double32_t`` with a range or fewer bits."""
    title = str(getattr(branch.streamer, "title", ""))
    for leaf in branch.member("fLeaves"):
        if leaf.classname == "TLeafElement":
            stored = int(leaf.member("fType"))
            kind = stored % 20 if stored > 0 else 0  # arrays of a type have its number and 20 or 40 more
            if kind == uproot.const.kFloat16 or (kind == uproot.const.kDouble32 and "," in title):
                return True
        elif leaf.classname == "TLeafF16" or (leaf.classname == "TLeafD32" and "," in leaf.member("fTitle")):
            return True
    return False
