"""New trees in ROOT files, as TTree or as RNTuple. Knows no study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np

from hitforge.config import TreeFormat


class NewTree:
    """A tree that is being written.

    Parameters
    ----------
    file : uproot.WritableDirectory
        Opened by ``uproot.recreate``; its compression holds for TTrees.
    name : str
        Of the tree.
    types : mapping of str to dtype, or awkward type
        Of each branch; ``(dtype, shape)`` for an array. A list of records named x becomes lists named ``x_<field>``,
        and their number ``nx``.
    tree_format : str
        ``ttree`` or ``rntuple``.
    """

    def __init__(self, file: Any, name: str, types: Mapping[str, Any], tree_format: TreeFormat) -> None:
        self._lists_apart = tree_format == "rntuple"  # of a TTree uproot does it
        if tree_format == "ttree":
            self._tree = file.mktree(name, dict(types))
        else:
            self._tree = file.mkrntuple(name, _with_lists_apart(types))

    def extend(self, columns: Mapping[str, Any]) -> None:
        """Add consecutive entries."""
        if self._lists_apart:
            columns = _apart(columns)
            if not len(next(iter(columns.values()))):
                return  # a cluster without entries is none
        self._tree.extend(dict(columns))


def _apart(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return lists of records as lists of each field and their lengths."""
    found: dict[str, Any] = {}
    for name, values in columns.items():
        if isinstance(values, ak.Array) and values.fields:
            found[f"n{name}"] = ak.to_numpy(ak.num(values)).astype(np.int32)
            found |= {f"{name}_{field}": values[field] for field in values.fields}
        else:
            found[name] = values
    return found


def _with_lists_apart(types: Mapping[str, Any]) -> dict[str, Any]:
    """Return the types of what :func:`_apart` makes of columns of these types."""
    found: dict[str, Any] = {}
    for name, kind in types.items():
        if isinstance(kind, ak.types.ListType) and isinstance(kind.content, ak.types.RecordType):
            found[f"n{name}"] = np.dtype(np.int32)
            fields = zip(kind.content.fields, kind.content.contents, strict=True)
            found |= {f"{name}_{field}": ak.types.ListType(content) for field, content in fields}
        else:
            found[name] = kind
    return found
