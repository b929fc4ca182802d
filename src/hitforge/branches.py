"""The branches of one tree that a study needs: what is missing or of another type, and their arrays. Knows no study.

A branch is read only where the bytes of its file are known to be what the library takes them for. uproot reads some of
ROOT's packed numbers (``Double32_t`` with a range, in arrays and lists) as plain ones, without an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Final, Literal

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from hitforge.ntuple import NtupleError, naming_damage, words_of
from hitforge.validation import Problem

MAKE_AGAIN: Final = "write the ntuple again with this branch (see the table of branches in the documentation)"
_WORDS = {"f": "one floating-point number", "iu": "one integer", "biu": "one integer"}
_LIST_WORDS = {"f": "a list of floating-point numbers", "iu": "a list of integers"}

_SIZES: Final = {
    **{"TLeafO": 1, "TLeafB": 1, "TLeafS": 2, "TLeafI": 4, "TLeafL": 8, "TLeafG": 8, "TLeafF": 4, "TLeafD": 8},
    "TLeafD32": 4,  # Double32_t without a range is stored as float
}
"""Bytes of a number in the file, by the class of its leaf."""

_PLAIN: Final = (1e-30, 1e30)
"""Magnitudes of physical quantities in the units of any study; other bit patterns read as numbers rarely hit them."""

_SAMPLE: Final = 2**16  # numbers of a chunk that are looked at


@dataclass(frozen=True)
class Numbers:
    """The numbers that a branch holds.

    Attributes
    ----------
    dtype : numpy.dtype
        Type of one number in memory.
    stored : numpy.dtype
        Type of one number in the file.
    length : int or None
        Numbers in each entry; None where it differs (lists).
    header : int
        Bytes before each list.
    """

    dtype: np.dtype[Any]
    stored: np.dtype[Any]
    length: int | None
    header: int = 0


def numbers_of(branch: Any) -> Numbers | None:
    """Return what a branch holds, or None for anything whose bytes are not surely read as what they are.

    Parameters
    ----------
    branch : uproot.TBranch
        Branch of an open file.
    """
    try:
        interpretation = branch.interpretation
        leaves = list(branch.member("fLeaves"))
    except Exception:  # noqa: BLE001 (uproot fails in many ways to interpret a branch; each means that it cannot)
        return None
    jagged = type(interpretation) is uproot.AsJagged
    content = interpretation.content if jagged else interpretation
    if type(content) is not uproot.AsDtype or len(leaves) != 1 or is_packed(branch):
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
    return Numbers(dtype, stored, None if jagged else prod(shape), header)


def is_packed(branch: Any) -> bool:
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


def type_words(branch: Any) -> str:
    """Return the type of a branch for a person."""
    try:
        if is_packed(branch):
            leaf = branch.member("fLeaves")[0]
            return f"packed numbers, Float16_t or Double32_t with a range ({leaf.member('fTitle')})"
        return str(branch.typename)
    except Exception as error:  # noqa: BLE001 (see numbers_of)
        return f"unknown to uproot {uproot.__version__} ({words_of(error)})"


def implausible(values: NDArray[Any]) -> str:
    """Return what is odd about numbers most of which, zeros aside, are no physical quantities; empty if nothing is.

    That the type of stored numbers is known is one condition of a good verdict, that they make sense another.
    """
    if values.dtype.kind != "f":
        return ""
    # an odd stride, so that not always the same column of an array is looked at
    some = values.reshape(-1)[:: values.size // _SAMPLE | 1]
    sizes = np.abs(some[np.isfinite(some) & (some != 0)])
    odd = (sizes < _PLAIN[0]) | (sizes > _PLAIN[1])
    if 2 * np.count_nonzero(odd) <= len(sizes):
        return ""
    return f"most numbers are like {sizes[odd][0]:.3g}: they are not of the type that the file says"


class TreeBranches:
    """Checks branches and reads ranges of entries; a study's reader knows which branches it needs.

    Attributes
    ----------
    problems : list of Problem
        What was found to be wrong with required branches.
    """

    def __init__(self, tree: Any, name: str, file: str) -> None:
        self.tree, self.name, self.file = tree, name, file
        self.there = frozenset(tree.keys(recursive=False))
        self.problems: list[Problem] = []

    def require(self, branch: str) -> bool:
        """Return whether the branch is there with all entries of its tree, and note it if not."""
        if branch not in self.there:
            self.note("missing_branch", branch, "the branch is missing")
            return False
        with naming_damage(self.file, self.name, branch):
            number, expected = int(self.tree[branch].num_entries), int(self.tree.num_entries)
        if number != expected:
            self.note("wrong_number_of_entries", branch, f"the branch has {number} entries, its tree {expected}")
        return number == expected

    def require_scalar(self, branch: str, kinds: Literal["f", "iu", "biu", "biuf"]) -> bool:
        """Return whether the branch is there with one number per entry, of a type of these kinds."""
        if not self.require(branch):
            return False
        numbers = numbers_of(self.tree[branch])
        # an array of one number has a shape of its own
        right = numbers is not None and numbers.length == 1 and numbers.dtype.kind in kinds
        if not right or self.tree[branch].interpretation.to_dtype.shape:
            self.note_type("wrong_type", branch, _WORDS.get(kinds, "one number"))
            return False
        return True

    def require_array(self, branch: str, length: int) -> bool:
        """Return whether the branch is there with so many floating-point numbers per entry, in any shape."""
        if not self.require(branch):
            return False
        numbers = numbers_of(self.tree[branch])
        reason = None
        if numbers is None or numbers.length is None or numbers.dtype.kind != "f":
            reason = "wrong_type"
        elif numbers.length != length:
            reason = "wrong_shape"
        if reason is not None:
            self.note_type(reason, branch, f"an array of {length} floating-point numbers")
        return reason is None

    def require_list(self, branch: str, kinds: Literal["f", "iu", "biuf"]) -> bool:
        """Return whether the branch is there with a list of numbers per entry, of a type of these kinds."""
        if not self.require(branch):
            return False
        if not self.is_list(branch, kinds):
            self.note_type("wrong_type", branch, _LIST_WORDS.get(kinds, "a list of numbers"))
            return False
        return True

    def is_list(self, branch: str, kinds: str = "biuf") -> bool:
        """Return whether the branch is there with a list of numbers per entry, of a type of these kinds."""
        numbers = numbers_of(self.tree[branch]) if branch in self.there else None
        return numbers is not None and numbers.length is None and numbers.dtype.kind in kinds

    def note_type(self, reason: str, branch: str, expected: str) -> None:
        """Note that a branch has another type or shape than expected."""
        self.note(reason, branch, f"type is {type_words(self.tree[branch])}, expected {expected} per entry")

    def note(self, reason: str, branch: str, detail: str) -> None:
        """Note what is wrong with a branch as a whole."""
        self.problems.append(Problem(reason, detail, MAKE_AGAIN, self.file, self.name, branch))

    def array(self, branch: str, start: int, stop: int, library: Literal["np", "ak"] = "np") -> Any:
        """Return the entries ``start:stop`` of a branch.

        Raises
        ------
        NtupleError
            They cannot be read, or are not as many, or are numbers that nobody writes.
        """
        with naming_damage(self.file, self.name, branch):
            values = self.tree[branch].array(entry_start=start, entry_stop=stop, library=library)
            if len(values) != stop - start:
                raise ValueError(f"{len(values)} of the entries {start} to {stop}")
            flat = ak.to_numpy(ak.flatten(values, axis=None)) if library == "ak" else values
            self.check_plausible(branch, flat)
        return values

    def check_plausible(self, branch: str, values: NDArray[Any]) -> None:
        """Raise a :class:`~hitforge.ntuple.NtupleError` if the numbers are :func:`implausible`."""
        detail = implausible(values)
        if detail:
            raise NtupleError(Problem("implausible", detail, MAKE_AGAIN, self.file, self.name, branch))

    def integers(self, branch: str, start: int, stop: int, dtype: Any, clip: bool = False) -> NDArray[Any]:
        """Return the entries ``start:stop`` of a branch of integers as another type that must hold them.

        ``clip`` gives the type's own limits in place of numbers beyond them.

        Raises
        ------
        NtupleError
            A number is too large or too small for the type.
        """
        values: NDArray[Any] = self.array(branch, start, stop)
        limits = np.iinfo(dtype)
        if clip:
            values = np.clip(values, limits.min, limits.max)
        outside = (values < limits.min) | (values > limits.max)
        if outside.any():
            detail = f"{values[outside][0]} is not a number from {limits.min} to {limits.max}"
            entry, count = start + int(outside.argmax()), int(outside.sum())
            raise NtupleError(Problem("out_of_range", detail, MAKE_AGAIN, self.file, self.name, branch, entry, count))
        return values.astype(dtype)

    def rows(self, branch: str, start: int, stop: int) -> NDArray[Any]:
        """Return the entries ``start:stop`` of a branch with an array per entry, shape (stop - start, length)."""
        values: NDArray[Any] = self.array(branch, start, stop)
        return values.reshape(len(values), -1)
