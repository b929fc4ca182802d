"""Friend files: columns for every entry of a part, in its order, as a ROOT TTree, an RNTuple or a Parquet table."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import uproot
from numpy.typing import NDArray

from hitforge.apply_settings import FriendFormat
from hitforge.entries import PREDICTED, Column
from hitforge.provenance import atomic_path, read_json, write_json
from hitforge.samples import Part

FORMAT_VERSION: Final = 1
ABOUT: Final = "hitforge_friend"
"""Key of the text with :attr:`Friend.about`: an object of the ROOT file, or of Parquet's metadata."""
ROWS: Final = 1 << 16
"""Entries of a basket, a cluster or a row group: what is in memory beside the predictions."""


@dataclass(frozen=True)
class Friend:
    """The content of a friend file.

    Attributes
    ----------
    tree, title : str
        Name and title of the tree.
    about : mapping
        Plain data for whoever opens the file: package, source, reasons, units and meaning of the columns.
    status : ndarray, shape (n,), uint8
        Of every entry of the part: :data:`~hitforge.entries.PREDICTED` or the number of a reason.
    status_name : str
        Name of its column.
    columns : mapping of str to Column
        Values of the predicted entries. The others get NaN, or -1 in a column of integers.
    """

    tree: str
    title: str
    about: Mapping[str, Any]
    status: NDArray[np.uint8]
    status_name: str
    columns: Mapping[str, Column]

    def types(self) -> dict[str, np.dtype[Any]]:
        """Return the type of each column; a vector has its length in it."""
        own = {name: np.dtype((_type(c), c.values.shape[1:])) for name, c in self.columns.items()}
        return {self.status_name: self.status.dtype} | own

    def chunks(self) -> Iterator[dict[str, NDArray[Any]]]:
        """Yield all columns for up to :data:`ROWS` entries at a time; nothing if there are none."""
        predicted = np.flatnonzero(self.status == PREDICTED)
        for start in range(0, len(self.status), ROWS):
            stop = min(start + ROWS, len(self.status))
            first, last = np.searchsorted(predicted, (start, stop))
            chunk: dict[str, NDArray[Any]] = {self.status_name: self.status[start:stop]}
            for name, column in self.columns.items():
                dtype = _type(column)
                missing = -1 if dtype.kind == "i" else np.nan
                chunk[name] = np.full((stop - start, *column.values.shape[1:]), missing, dtype)
                chunk[name][predicted[first:last] - start] = column.values[first:last]
            yield chunk


def _type(column: Column) -> np.dtype[Any]:
    """Return the type of a column with room for what stands for a missing value."""
    kind = column.values.dtype
    # ROOT takes signed bytes for characters
    return kind if kind.kind == "f" else np.promote_types(kind, np.int32)


def friend_names(parts: Sequence[Part], model: str, kind: FriendFormat) -> dict[str, str]:
    """Return the name of each part's friend file by its id: with its stem, or its id where others have that stem."""
    # a URL is one too, and what follows its # or ? is no part of a file's name that all systems take
    stems = {part.id: re.sub(r"[^\w.-]+", "_", Path(str(part.source)).stem, flags=re.ASCII)[:150] for part in parts}
    shared = Counter(stems.values())
    suffix = "parquet" if kind == "parquet" else "root"
    return {part: f"{stem if shared[stem] == 1 else part}.{model}.{suffix}" for part, stem in stems.items()}


def check_format(kind: FriendFormat) -> None:
    """Say before anything is computed that the library of a format is missing."""
    if kind == "parquet":
        _parquet()


def write_friend(path: Path, kind: FriendFormat, friend: Friend) -> None:
    """Write a friend file atomically.

    Raises
    ------
    OutputError
        It cannot be written there.
    """
    with atomic_path(path) as temporary, _WRITERS[kind](temporary, friend) as writer:
        for chunk in friend.chunks():
            writer.extend(chunk)


def read_about(path: Path) -> dict[str, Any] | None:
    """Return what a friend file says of itself; None if it is no friend file that can be read."""
    try:
        if path.suffix == ".parquet":
            text = _parquet().read_schema(path).metadata[ABOUT.encode()].decode()
        else:
            with uproot.open({path: None}) as file:
                text = str(file[ABOUT])
        about: dict[str, Any] = json.loads(text)
    except Exception:  # noqa: BLE001 (foreign bytes make libraries raise anything)
        return None
    return about


def summary_name(model: str) -> str:
    """Return the name of the list of a model's friend files, which stands beside them."""
    return f"friends.{model}.json"


def write_summary(path: Path, made: Mapping[str, Mapping[str, Any]], failed: Mapping[str, str]) -> None:
    """Note what became of each part: friend files by name, errors by source.

    Files of earlier calls stay listed as long as they are there.
    """
    before = read_json(path)["friends"] if path.is_file() else {}
    kept = {name: about for name, about in before.items() if (path.parent / name).is_file()}
    brief = {name: {key: value for key, value in about.items() if key != "columns"} for name, about in made.items()}
    write_json(path, {"friends": dict(sorted((kept | brief).items())), "failed": dict(sorted(failed.items()))})


class _Writer(Protocol):
    def extend(self, columns: Mapping[str, NDArray[Any]], /) -> None: ...


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ValueError(f"format parquet needs pyarrow ({error}): pip install 'hitforge[parquet]'") from error
    return pyarrow.parquet


def _text(friend: Friend) -> str:
    return json.dumps(friend.about, ensure_ascii=False, allow_nan=False)


@contextmanager
def _ttree(path: Path, friend: Friend) -> Iterator[_Writer]:
    with uproot.recreate(path, compression=uproot.ZSTD(1)) as file:
        file[ABOUT] = _text(friend)
        yield file.mktree(friend.tree, friend.types(), title=friend.title)


@contextmanager
def _rntuple(path: Path, friend: Friend) -> Iterator[_Writer]:
    with uproot.recreate(path, compression=uproot.ZSTD(1)) as file:
        file[ABOUT] = _text(friend)
        yield file.mkrntuple(friend.tree, friend.types(), description=friend.title)


@dataclass(frozen=True)
class _Table:
    writer: Any
    schema: Any

    def extend(self, columns: Mapping[str, NDArray[Any]], /) -> None:
        import pyarrow as pa

        arrays = [
            pa.array(values)
            if values.ndim == 1
            else pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
            for values in (columns[name] for name in self.schema.names)
        ]
        self.writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))


@contextmanager
def _parquet_table(path: Path, friend: Friend) -> Iterator[_Writer]:
    parquet = _parquet()
    import pyarrow as pa

    def kind(dtype: np.dtype[Any]) -> Any:
        scalar = pa.from_numpy_dtype(dtype.base)
        return pa.list_(scalar, dtype.shape[0]) if dtype.shape else scalar

    fields = [pa.field(name, kind(dtype)) for name, dtype in friend.types().items()]
    schema = pa.schema(fields, {ABOUT: _text(friend), "title": friend.title})
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        yield _Table(writer, schema)


_WRITERS: Final = {"ttree": _ttree, "rntuple": _rntuple, "parquet": _parquet_table}
