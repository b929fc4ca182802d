"""The branches of one tree that a study needs: what is missing or of another type, and their arrays. Knows no study."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import uproot
from numpy.typing import NDArray

from hitforge.ntuple import naming_damage, scalar_dtype
from hitforge.validation import Problem

MAKE_AGAIN: Final = "write the ntuple again with this branch (see the table of branches in the documentation)"
_WORDS = {"f": "one floating-point number", "iu": "one integer"}


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
        """Return whether the branch is there, and note it if not."""
        if branch not in self.there:
            self.note("missing_branch", branch, "the branch is missing")
        return branch in self.there

    def require_scalar(self, branch: str, kinds: Literal["f", "iu", "biuf"]) -> bool:
        """Return whether the branch is there with one number per entry, of a type of these kinds."""
        if not self.require(branch):
            return False
        dtype = scalar_dtype(self.tree[branch])
        right = dtype is not None and dtype.kind in kinds
        if not right:
            self.note_type("wrong_type", branch, _WORDS.get(kinds, "one number"))
        return right

    def require_array(self, branch: str, length: int) -> bool:
        """Return whether the branch is there with so many floating-point numbers per entry, in any shape."""
        if not self.require(branch):
            return False
        interpretation = self.tree[branch].interpretation
        subdtype = interpretation.to_dtype.subdtype if isinstance(interpretation, uproot.AsDtype) else None
        reason = None
        if subdtype is None or subdtype[0].kind != "f":
            reason = "wrong_type"
        elif int(np.prod(subdtype[1])) != length:
            reason = "wrong_shape"
        if reason is not None:
            self.note_type(reason, branch, f"an array of {length} floating-point numbers")
        return reason is None

    def is_list(self, branch: str) -> bool:
        """Return whether the branch is there with a list of numbers per entry."""
        return branch in self.there and isinstance(self.tree[branch].interpretation, uproot.AsJagged)

    def note_type(self, reason: str, branch: str, expected: str) -> None:
        """Note that a branch has another type or shape than expected."""
        self.note(reason, branch, f"type is {self.tree[branch].typename}, expected {expected} per entry")

    def note(self, reason: str, branch: str, detail: str) -> None:
        """Note what is wrong with a branch as a whole."""
        self.problems.append(Problem(reason, detail, MAKE_AGAIN, self.file, self.name, branch))

    def array(self, branch: str, start: int, stop: int, library: Literal["np", "ak"] = "np") -> Any:
        """Return the entries ``start:stop`` of a branch."""
        with naming_damage(self.file, self.name, branch):
            return self.tree[branch].array(entry_start=start, entry_stop=stop, library=library)

    def rows(self, branch: str, start: int, stop: int) -> NDArray[Any]:
        """Return the entries ``start:stop`` of a branch with an array per entry, shape (stop - start, length)."""
        values: NDArray[Any] = self.array(branch, start, stop)
        return values.reshape(len(values), -1)
