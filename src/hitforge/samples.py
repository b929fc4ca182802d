"""Samples and parts: from sources to stable part ids and stable blocks, without opening a file."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hitforge.config import SampleSettings
from hitforge.yaml_files import ConfigError, read_text


@dataclass(frozen=True)
class Part:
    """One ROOT file of a sample.

    ``source`` is a path, a ``root://`` URL, a ``file.hdf5#fold_3`` address, or None for a part to simulate.
    """

    id: str
    source: str | None
    index: int

    @property
    def is_local(self) -> bool:
        """Whether the source is a file that this machine can stat."""
        return self.source is not None and "://" not in self.source

    @property
    def local_path(self) -> str:
        """Path of a local source, without the address inside a fold file."""
        assert self.source is not None
        return _INSIDE.sub(r"\1\2", self.source)


# what list_parts adds to the name of a fold file; any other # belongs to a file's name
_INSIDE = re.compile(r"(\.npz)#slice_\d+_of_\d+$|(\.hdf5|\.h5)#fold_\d+$")


def part_id(name: str) -> str:
    """Return ``<sanitised stem>-<8 hex digits of the whole relative name>``: stable and safe as a file name."""
    stem = re.sub(r"[^A-Za-z0-9_]+", "_", PurePosixPath(name).stem).strip("_") or "part"
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=4)
    return f"{stem[:60]}-{digest.hexdigest()}"


def _expand(source: str, folds: int | None) -> list[tuple[str, str]]:
    """Return (name relative to the sheet row, address) of each file of one source."""
    # a file that is there under this very name is meant, whatever its characters mean in a pattern
    literal = "://" not in source and os.path.lexists(source)
    if not literal:
        source = _expand_variables(source)
        literal = "://" not in source and os.path.lexists(source)
    if "://" in source:
        return [(source.rsplit("/", 1)[1], source)]
    if Path(source).suffix == ".list":
        listed = list(_listed(Path(source), folds))
        if not listed:
            raise ConfigError(f"{source}: the list names no file; write one a line")
        return listed
    if Path(source).suffix == ".npz" and folds is not None:
        return [(f"slice_{k}", f"{source}#slice_{k}_of_{folds}") for k in range(folds)]
    if Path(source).suffix in {".hdf5", ".h5"}:
        if folds is None:
            raise ConfigError(f"{source}: a fold file needs 'parts', its number of folds")
        return [(f"fold_{fold}", f"{source}#fold_{fold}") for fold in range(folds)]
    if literal or not glob.has_magic(source):
        return [(Path(source).name, source)]
    # names are relative to the folder above the first wildcard, so that moving the data keeps the ids
    fixed = Path(*Path(source).parts[: _first_magic(source)])
    found = sorted(glob.glob(source, recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
    _check_folders(source)
    if not found:
        raise ConfigError(f"{source}: the pattern matches no file; check the path in the sample's 'source'")
    return [(str(Path(path).relative_to(fixed)), path) for path in found]


def _listed(path: Path, folds: int | None) -> Iterator[tuple[str, str]]:
    """Yield what :func:`_expand` makes of the lines of a list of files, as a ``TChain`` has them.

    A file's name is its line, so that files of one name in different folders differ, and a list with relative paths may
    be moved with its files.
    """
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        place = f"{path}, line {number}"
        with _at(place):
            source = _expand_variables(name)
        source = source if "://" in source else str(path.parent / source)
        if Path(source).suffix == ".list":
            raise ConfigError(f"{place}: {name}: a list of files may not name another one")
        if "://" not in source and not glob.has_magic(source) and not os.path.lexists(source):
            raise ConfigError(f"{place}: {name}: no such file; relative paths start at the list's folder")
        with _at(place):
            found = _expand(source, folds)
        yield from ((name if address == source else f"{name}/{inside}", address) for inside, address in found)


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Add the place to a :class:`ConfigError` of the block."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error


def _check_folders(pattern: str) -> None:
    """Look into every folder that a pattern leads to: ``glob`` passes over one that it may not read, and its files."""
    pieces = Path(pattern).parts
    for depth in range(_first_magic(pattern), len(pieces)):
        above = str(Path(*pieces[:depth]))
        folders = glob.glob(f"{above}/", recursive=True) if glob.has_magic(above) else [above]  # noqa: PTH207
        for folder in folders:
            try:
                os.scandir(folder or ".").close()
            except (FileNotFoundError, NotADirectoryError):
                continue  # the pattern then matches nothing, which is said
            except OSError as error:
                raise ConfigError(f"{pattern}: the folder {folder} cannot be read: {error.strerror}") from error


def _expand_variables(source: str) -> str:
    expanded = os.path.expandvars(source)
    if "$" in expanded:
        variable = re.sub(r".*\$\{?(\w+).*", r"\1", expanded)
        raise ConfigError(f"source {source!r}: environment variable {variable} is not set; export it")
    return expanded


def _first_magic(pattern: str) -> int:
    return next(i for i, piece in enumerate(Path(pattern).parts) if glob.has_magic(piece))


def _check_name(source: str) -> None:
    """Refuse what no log, table or verdict could hold, and what the workflow engine has no way to write."""
    odd = next((c for c in source if unicodedata.category(c) in ("Cc", "Cs")), None)  # control, or not UTF-8
    if odd is not None:
        raise ConfigError(f"{source!r}: a file or folder name may not hold the character {odd!r}; rename it")
    if set("{}") & set(source):
        raise ConfigError(
            f"{source}: the workflow engine takes {{ and }} in a file or folder name for a wildcard; rename it, "
            "or make a link of another name"
        )


def list_parts(sample_name: str, sample: SampleSettings) -> list[Part]:
    """Return the parts of a sample, sorted by id.

    Raises
    ------
    ConfigError
        A pattern without files, or two sources with the same id.
    """
    if sample.source == "simulate":
        assert sample.parts is not None
        parts = [Part(part_id(f"sim_{index:04d}.root"), None, index) for index in range(sample.parts)]
    else:
        addresses = [pair for source in sample.sources for pair in _expand(source, sample.parts)]
        parts = [Part(part_id(name), address, i) for i, (name, address) in enumerate(addresses)]
    for part in parts:
        _check_name(part.source or "")
    by_id: dict[str, Part] = {}
    for part in parts:
        if part.id in by_id:
            raise ConfigError(
                f"sample {sample_name!r}: {by_id[part.id].source} and {part.source} have the same name; "
                "give each its own folder under one pattern, or rename one"
            )
        by_id[part.id] = part
    return sorted(parts, key=lambda part: part.id)


def assign_blocks(parts: Sequence[Part], n_blocks: int) -> dict[str, list[Part]]:
    """Group parts into at most ``n_blocks`` blocks, the unit of a batch job.

    A part's block follows from its id and the fixed number of blocks alone, so adding parts moves none.
    """
    blocks: dict[str, list[Part]] = {}
    for part in parts:
        number = int.from_bytes(hashlib.blake2b(part.id.encode(), digest_size=8).digest(), "big") % n_blocks
        blocks.setdefault(f"b{number:03d}", []).append(part)
    return dict(sorted(blocks.items()))
