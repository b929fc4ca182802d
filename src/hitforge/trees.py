"""What readers ask of an ntuple's tree, whether ROOT stores it as a TTree or as an RNTuple."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Numbers:
    """The numbers that a branch holds.

    Attributes
    ----------
    dtype : numpy.dtype
        Type of one number in memory.
    stored : numpy.dtype
        Type of one number in the file.
    shape : tuple of int or None
        Of the numbers in each entry, ``()`` for one; None where their number differs (lists).
    header : int
        Bytes before each list.
    """

    dtype: np.dtype[Any]
    stored: np.dtype[Any]
    shape: tuple[int, ...] | None
    header: int = 0

    @property
    def length(self) -> int | None:
        """Numbers in each entry; None for lists."""
        return None if self.shape is None else prod(self.shape)


class Tree(Protocol):
    """Entries with named branches."""

    @property
    def num_entries(self) -> int:
        """Number of entries."""
        ...

    @property
    def names(self) -> frozenset[str]:
        """Names of the branches."""
        ...

    def numbers(self, branch: str) -> Numbers | None:
        """Return what a branch holds, or None for anything whose bytes are not surely read as what they are."""
        ...

    def type_words(self, branch: str) -> str:
        """Return the type of a branch for a person."""
        ...

    def entries_of(self, branch: str) -> int:
        """Return the number of entries of a branch; it is not that of the tree if they were not filled together."""
        ...

    def ends(self, branch: str) -> NDArray[np.int64]:
        """Return the entries at which reading a branch may well stop, ascending; the last is that of the tree."""
        ...

    def n_bytes(self, branch: str) -> int:
        """Return the uncompressed size of a branch."""
        ...

    def array(self, branch: str, start: int, stop: int, library: Literal["np", "ak"]) -> Any:
        """Return the entries ``start:stop`` of a branch; lists are asked for as ``ak``."""
        ...

    def friends(self) -> tuple[str, ...]:
        """Return the trees in other files that ROOT would look into for more branches, in words."""
        ...
