"""Opening ROOT ntuples, local or ``root://``, with errors that name the place and the fix. Knows no study."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import uproot

from hitforge.refusals import RefusedError, is_missing, refused
from hitforge.rntuples import RNTuple
from hitforge.trees import Tree
from hitforge.ttrees import TTree
from hitforge.validation import Problem

UPROOT: Final = f"uproot {uproot.__version__}"
"""The library that reads ROOT files, and its version: what it cannot read may still be whole."""

WRITE_AGAIN: Final = (
    "if ROOT opens the file, write it again with settings that others read (hadd -f505 NEW OLD, no IO features); "
    "if not, restore it from its source or make it again"
)
_RESTORE = "restore the file from its source or make it again; it is damaged"
# The XRootD client would wait half an hour for a dead server; seconds, the environment may say otherwise.
_PATIENCE = {
    "XRD_CONNECTIONWINDOW": "30",
    "XRD_CONNECTIONRETRY": "3",
    "XRD_STREAMERRORWINDOW": "120",
    "XRD_REQUESTTIMEOUT": "300",
}


class NtupleError(Exception):
    """A ntuple cannot be used. The message names file, tree, branch, entry and the fix.

    Attributes
    ----------
    problems : tuple of Problem
        Everything that is known to be wrong, at least one.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class RemoteReadError(RefusedError):
    """A server did not give a file. That says nothing about the file: the job fails and may be tried again."""


def words_of(error: BaseException) -> str:
    """Return kind and message of a library's error in one line; some of uproot's fail to say what they are."""
    try:
        message = " ".join(str(error).split())[:200]
    except Exception:  # noqa: BLE001 (an error that cannot be printed must not hide the file that it is about)
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


@contextmanager
def naming_damage(
    file: str, tree: str = "", branch: str = "", library: str = UPROOT, fix: str = WRITE_AGAIN
) -> Iterator[None]:
    """Turn whatever a library raises inside the block into a :class:`NtupleError` that names the place.

    Damaged or foreign bytes make libraries raise errors of any kind, so none is exempt but those of the operating
    system.

    Parameters
    ----------
    file, tree, branch : str
        The place.
    library : str
        What reads inside the block, with its version.
    fix : str
        What the user can do.

    Raises
    ------
    RefusedError
        The operating system did not give it, or the server of a remote file (:class:`RemoteReadError`); a missing file
        is a :class:`NtupleError`.
    """
    try:
        yield
    except (RefusedError, RemoteReadError, NtupleError):
        raise
    except Exception as error:
        if "://" in file and isinstance(error, ImportError):
            raise  # a package for the protocol, see open_root
        words = words_of(error)
        if "://" in file and isinstance(error, OSError):
            if isinstance(error, FileNotFoundError) or "no such file" in words.lower():
                raise _missing(file) from error
            raise RemoteReadError(
                f"{file}: the server did not give it ({words}); fix: check network and certificate, then run again"
            ) from error
        if "://" not in file:
            if is_missing(error):
                raise _missing(file) from error
            refusal = refused(error, file)
            if refusal is not None:
                raise refusal from error
        detail = f"not readable by {library} ({words})"
        raise NtupleError(Problem("unreadable", detail, fix, file, tree, branch)) from error


@contextmanager
def open_root(source: str | Path) -> Iterator[Any]:
    """Open a ROOT file for reading.

    Parameters
    ----------
    source : str or Path
        Local path or ``root://`` URL.

    Yields
    ------
    uproot.ReadOnlyDirectory
        Opened without uproot's caches, so that memory stays bounded by what the caller asks for.

    Raises
    ------
    NtupleError
        Missing, empty, truncated or foreign file, or a URL without the package for its protocol.
    RefusedError
        The operating system, or the server of a remote file, did not give it.
    """
    name = str(source)
    if "://" not in name:
        _check_root(Path(name))
    else:
        for setting, seconds in _PATIENCE.items():
            os.environ.setdefault(setting, seconds)
    try:
        # as a dict: uproot would split a plain string at colons
        with naming_damage(name):
            file = uproot.open({name: None}, array_cache=None, object_cache=None)
    except ImportError as error:
        protocol = name.partition("://")[0]
        detail = f"protocol {protocol} needs a package that is not installed ({error})"
        fix = "pip install 'hitforge[remote]'" if protocol == "root" else "copy the file, or give a root:// URL"
        raise NtupleError(Problem("missing_package", detail, fix, name)) from error
    with file:
        if file.file.fEND <= 0:
            raise NtupleError(Problem("unreadable", "its header is damaged", _RESTORE, name))
        if file.file.fEND > file.file.source.num_bytes:
            detail = f"{file.file.source.num_bytes} bytes, but its header says {file.file.fEND}"
            raise NtupleError(Problem("truncated", detail, _RESTORE, name))
        yield file


def _missing(name: str) -> NtupleError:
    return NtupleError(Problem("missing_file", "no such file", "check the source in the sample's row", name))


def check_file(path: Path) -> None:
    """Raise a :class:`NtupleError` if there is no such file, or a folder in its place."""
    with naming_damage(str(path)):
        if path.is_dir():
            detail, fix = "is a folder, not a file", "give the files in it, or a pattern that matches them"
            raise NtupleError(Problem("not_a_file", detail, fix, str(path)))
        if not path.is_file():
            raise _missing(str(path))


def _check_root(path: Path) -> None:
    check_file(path)
    with naming_damage(str(path)), path.open("rb") as raw:
        magic = raw.read(4)
    if not magic:
        raise NtupleError(Problem("unreadable", "the file is empty (0 bytes)", _RESTORE, str(path)))
    if magic != b"root":
        detail = f"not a ROOT file (it starts with {magic!r})"
        raise NtupleError(Problem("unreadable", detail, "give a ROOT file", str(path)))


_KINDS: Final[dict[str, type[TTree] | type[RNTuple]]] = {
    **dict.fromkeys(("TTree", "TNtuple", "TNtupleD"), TTree),
    "ROOT::RNTuple": RNTuple,
}


def find_tree(file: Any, names: Sequence[str], source: str | Path) -> tuple[str, Tree]:
    """Return the first of the named trees that the file has, at its top or in a folder, and where it is.

    Parameters
    ----------
    file : uproot.ReadOnlyDirectory
        Opened by :func:`open_root`.
    names : sequence of str
        Tree names in order of preference, with their folders if these are known (``dir/B4``). One at the top of the
        file is preferred to one in a folder.
    source : str or Path
        For the error.

    Raises
    ------
    NtupleError
        None is there (the message lists what is), none is a ``TTree`` or ``RNTuple``, or there are several in folders.
    """
    with naming_damage(str(source)):
        classes: dict[str, str] = file.classnames(cycle=False)
    trees = [path for path, kind in classes.items() if kind in _KINDS]
    found = [path for name in names for path in trees if path == name][:1]
    for name in names:
        found = found or [path for path in trees if path.endswith(f"/{name}")]
    if len(found) == 1:
        with naming_damage(str(source), found[0]):
            return found[0], _KINDS[classes[found[0]]](file[found[0]])
    if found:
        detail = f"several trees of this name: {', '.join(found)}"
        fix = "name one with its folder in the study's setting reader.tree, or copy one to a file of its own (rootcp)"
        raise NtupleError(Problem("several_trees", detail, fix, str(source), names[0]))
    there = ", ".join(f"{name} ({kind})" for name, kind in classes.items()) or "nothing"
    detail = f"no TTree or RNTuple named {' or '.join(names)}; the file has: {there}"
    fix = "check that the file belongs to this study; an RNTuple of ROOT before 6.34 has to be written again"
    raise NtupleError(Problem("missing_tree", detail, fix, str(source), names[0]))


def entry_ranges(tree: Tree, branch: str, chunk_mb: float) -> list[tuple[int, int]]:
    """Cut a tree's entries into chunks of bounded size.

    Parameters
    ----------
    tree : Tree
        Tree to read.
    branch : str
        The branch with most bytes; chunks end where the tree says that it is read well.
    chunk_mb : float
        Uncompressed size of a chunk of that branch. A single basket can exceed it.

    Returns
    -------
    list of tuple
        Start and stop entries, in order, together all entries.
    """
    stops = tree.ends(branch).tolist()
    per_entry = tree.n_bytes(branch) / max(tree.num_entries, 1)
    wanted = max(int(chunk_mb * 1e6 / max(per_entry, 1e-9)), 1)
    ranges: list[tuple[int, int]] = []
    start = 0
    for i, stop in enumerate(stops):
        following = stops[i + 1] if i + 1 < len(stops) else None
        if stop > start and (following is None or following - start > wanted):
            ranges.append((start, stop))
            start = stop
    return ranges
