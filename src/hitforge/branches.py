"""The branches of one tree that a study needs: what is missing or of another type, and their arrays. Knows no study."""

from __future__ import annotations

from typing import Any, Final, Literal

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from hitforge.ntuple import UPROOT, NtupleError, naming_damage, words_of
from hitforge.trees import Tree
from hitforge.validation import Problem

MAKE_AGAIN: Final = "write the ntuple again with this branch (see the table of branches in the documentation)"
_WORDS = {"f": "one floating-point number", "iu": "one integer", "biu": "one integer"}
_LIST_WORDS = {"f": "a list of floating-point numbers", "iu": "a list of integers"}

_PLAIN: Final = (1e-30, 1e30)
"""Magnitudes of physical quantities in the units of any study; other bit patterns read as numbers rarely hit them."""

_SAMPLE: Final = 2**16  # numbers of a chunk that are looked at


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

    def __init__(self, tree: Tree, name: str, file: str) -> None:
        self.tree, self.name, self.file = tree, name, file
        self.there = tree.names
        self.problems: list[Problem] = []

    def require(self, branch: str) -> bool:
        """Return whether the branch is there with all entries of its tree, and note it if not."""
        if branch not in self.there:
            with naming_damage(self.file, self.name):
                friends = ", ".join(self.tree.friends())
            elsewhere = f"; friend trees are not read, and this one has: {friends}" if friends else ""
            self.note("missing_branch", branch, f"the branch is missing{elsewhere}")
            return False
        with naming_damage(self.file, self.name, branch):
            number, expected = self.tree.entries_of(branch), self.tree.num_entries
        if number != expected:
            self.note("wrong_number_of_entries", branch, f"the branch has {number} entries, its tree {expected}")
        return number == expected

    def require_scalar(self, branch: str, kinds: Literal["f", "iu", "biu", "biuf"]) -> bool:
        """Return whether the branch is there with one number per entry, of a type of these kinds."""
        if not self.require(branch):
            return False
        numbers = self.tree.numbers(branch)
        # an array of one number has a shape of its own
        if numbers is None or numbers.shape != () or numbers.dtype.kind not in kinds:
            self.note_type("wrong_type", branch, _WORDS.get(kinds, "one number"))
            return False
        return True

    def require_array(self, branch: str, length: int) -> bool:
        """Return whether the branch is there with so many floating-point numbers per entry, in any shape."""
        if not self.require(branch):
            return False
        numbers = self.tree.numbers(branch)
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
        numbers = self.tree.numbers(branch) if branch in self.there else None
        return numbers is not None and numbers.length is None and numbers.dtype.kind in kinds

    def note_type(self, reason: str, branch: str, expected: str) -> None:
        """Note that a branch has another type or shape than expected."""
        try:
            words = self.tree.type_words(branch)
        except Exception as error:  # noqa: BLE001 (uproot fails in many ways to interpret a branch)
            words = f"unknown to {UPROOT} ({words_of(error)})"
        self.note(reason, branch, f"type is {words}, expected {expected} per entry")

    def note(self, reason: str, branch: str, detail: str) -> None:
        """Note what is wrong with a branch as a whole."""
        self.problems.append(Problem(reason, detail, MAKE_AGAIN, self.file, self.name, branch))

    def array(self, branch: str, start: int, stop: int, library: Literal["np", "ak"] = "np") -> Any:
        """Return the entries ``start:stop`` of a branch; lists are asked for as ``ak``.

        Raises
        ------
        NtupleError
            They cannot be read, or are not as many, or are numbers that nobody writes.
        """
        with naming_damage(self.file, self.name, branch):
            values = self.tree.array(branch, start, stop, library)
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
