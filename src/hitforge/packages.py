"""Model packages: all that it takes to apply a trained model, in one file with nothing executable in it.

Knows no study: settings are plain data, which :func:`hitforge.packaged_study.packaged_study` takes.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hitforge.provenance import atomic_path, content_hash, read_json, stamp
from hitforge.refusals import telling_refusals

FORMAT: Final = "hitforge-model"
FORMAT_VERSION: Final = 1
SUFFIX: Final = ".hitforge.zip"
ABOUT: Final = "package.json"
REQUIRED: Final = (
    "model.json",
    "calibration.json",
    "settings.json",
    "metrics.json",
    "README.md",
    "LICENSE",
    "CITATION.cff",
)
"""Files of every package, beside ``package.json`` and the trained files."""
MADE_BY: Final[Mapping[str, str]] = {
    "model.json": "assemble",
    "calibration.json": "calibrate",
    "metrics.json": "evaluate",
}
"""The stage that makes each file that carries a hash of the settings that the stage was given."""

_TRAINED = re.compile(r"member_\d+\.safetensors|booster_\d+\.ubj|table_\d+\.json")
_OPTIONAL = ("scaling.json",)
_TIME = (1980, 1, 1, 0, 0, 0)  # the first that the format can hold: a package knows no time
_AGAIN = "copy it again from where it comes from"


class PackageError(ValueError):
    """A package that cannot be used; the message names the file and the fix."""


@dataclass(frozen=True)
class ModelPackage:
    """An open package; its files lie in a folder while it is open.

    Attributes
    ----------
    path : Path
        The package.
    folder : Path
        Where its files are.
    about : mapping
        ``package.json``: format, study, model, version of hitforge that made it, hashes of the files.
    """

    path: Path
    folder: Path
    about: Mapping[str, Any]

    @property
    def study(self) -> str:
        """Name of the study."""
        return str(self.about["study"])

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.about["model"])

    @property
    def hash(self) -> str:
        """16 hexadecimal digits of ``package.json``, and so of all files: equal packages have equal ones."""
        return str(self.about["hash"])

    @property
    def manifest(self) -> Path:
        """``model.json``; the trained files stand beside it."""
        return self.folder / "model.json"

    @property
    def scaling(self) -> Path | None:
        """``scaling.json`` of a network; None for trees and tables."""
        path = self.folder / "scaling.json"
        return path if path.is_file() else None

    @property
    def calibration(self) -> Mapping[str, Any]:
        """What stage ``calibrate`` fitted on held-out events."""
        return self._json("calibration.json")

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that stage ``apply`` is given, as plain data."""
        return self._json("settings.json")

    @property
    def metrics(self) -> Mapping[str, Any]:
        """What stage ``evaluate`` wrote."""
        return self._json("metrics.json")

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return (self.folder / "README.md").read_text(encoding="utf-8")

    def _json(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = read_json(self.folder / name)
        return found


class _File(BaseModel):
    """A file as ``package.json`` lists it."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class _About(BaseModel):
    """What of ``package.json`` every reader relies on."""

    model_config = ConfigDict(strict=True)

    study: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    model: str
    hitforge_version: str
    hash: str
    files: dict[str, _File]


def write_package(path: Path, study: str, model: str, files: Mapping[str, bytes], **about: Any) -> None:
    """Write a package, atomically; the same files and facts give the same bytes.

    Parameters
    ----------
    files : mapping of str to bytes
        :data:`REQUIRED`, the trained files, and ``scaling.json`` of a network.
    about : plain data
        What ``package.json`` says beside format, version, study, model and the hashes.
    """
    _check_names(path, {ABOUT, *files})
    listed = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in sorted(files.items())
    }
    facts = stamp(format=FORMAT, format_version=FORMAT_VERSION, study=study, model=model, **about, files=listed)
    facts["hash"] = content_hash(facts)
    text = json.dumps(facts, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    # not compressed: weights hardly shrink, and the bytes of a compressor depend on its version
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as package:
        for name, content in [(ABOUT, text.encode()), *sorted(files.items())]:
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same on every system
            package.writestr(entry, content)


@contextmanager
def open_package(path: Path) -> Iterator[ModelPackage]:
    """Check a package and yield it; its files are in a temporary folder as long as it is open.

    Raises
    ------
    PackageError
        Missing, damaged, not a package, of an unknown version, or a file in it is not what its hash says.
    """
    if not path.is_file():
        raise PackageError(f"{path}: no such file; a model package is made by `python -m hitforge pack`")
    with TemporaryDirectory(prefix="hitforge-") as folder:
        try:
            with telling_refusals(path), zipfile.ZipFile(path) as package:
                about = _unpack(path, package, Path(folder))
        except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
            # zipfile says the last of versions and methods that it does not know, which damaged bytes can ask for
            raise PackageError(f"{path}: not a model package, or one that is damaged ({error}); {_AGAIN}") from error
        yield ModelPackage(path, Path(folder), about)


def _unpack(path: Path, package: zipfile.ZipFile, folder: Path) -> dict[str, Any]:
    """Write the files of a package to a folder, each checked, and return ``package.json``."""
    entries = package.infolist()
    names = [entry.filename for entry in entries]
    if ABOUT not in names:
        raise PackageError(f"{path}: no {ABOUT} in it: not a model package, which is made by `python -m hitforge pack`")
    # the version first: another one may have other files
    about, facts = _read_about(path, _content(path, package, package.getinfo(ABOUT)))
    if len(names) != len(set(names)):
        raise PackageError(f"{path}: a name is in it twice; {_AGAIN}")
    _check_names(path, set(names))
    if set(names) != {ABOUT, *facts.files}:
        odd = sorted(set(names) ^ {ABOUT, *facts.files})
        raise PackageError(f"{path}: {', '.join(odd)}: listed and not there, or there and not listed; {_AGAIN}")
    for entry in entries:
        content = _content(path, package, entry)
        if entry.filename != ABOUT:
            listed = facts.files[entry.filename]
            if (len(content), hashlib.sha256(content).hexdigest()) != (listed.bytes, listed.sha256):
                raise PackageError(f"{path}: {entry.filename} is not the file that was packed; {_AGAIN}")
        (folder / entry.filename).write_bytes(content)
    return about


def _content(path: Path, package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return a file of a package, which is not compressed: it cannot be larger than the package."""
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > path.stat().st_size:
        raise PackageError(f"{path}: {entry.filename} is compressed, so hitforge did not write it; {_AGAIN}")
    return package.read(entry)


def _read_about(path: Path, content: bytes) -> tuple[dict[str, Any], _About]:
    """Check ``package.json`` and return it, and what of it this module needs."""
    try:
        about = json.loads(content)
    except ValueError as error:
        raise PackageError(f"{path}: {ABOUT} is not valid JSON ({error}); {_AGAIN}") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise PackageError(f"{path}: {ABOUT} is not of a model package (format is not {FORMAT}); {_AGAIN}")
    version = about.get("format_version")
    if version != FORMAT_VERSION:
        raise PackageError(
            f"{path}: a package of format version {version}, made by hitforge {about.get('hitforge_version')}; this "
            f"release reads version {FORMAT_VERSION}: pip install -U hitforge"
        )
    try:
        facts = _About.model_validate(about)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise PackageError(f"{path}: {ABOUT}, {where}: {first['msg']}; {_AGAIN}") from error
    if facts.hash != content_hash({key: value for key, value in about.items() if key != "hash"}):
        raise PackageError(f"{path}: {ABOUT} was changed after it was written; {_AGAIN}")
    if find_spec(f"hitforge.studies.{facts.study}") is None:
        raise PackageError(
            f"{path}: made for the study {facts.study}, which this installation does not have (hitforge "
            f"{facts.hitforge_version} made it): pip install -U hitforge, or name its folder in HITFORGE_STUDIES"
        )
    return about, facts


def _check_names(path: Path, names: set[str]) -> None:
    """Accept the known names only: none leads out of a folder, none is run by anybody."""
    odd = sorted(n for n in names - {ABOUT, *REQUIRED, *_OPTIONAL} if not _TRAINED.fullmatch(n))
    if odd:
        raise PackageError(f"{path}: {odd[0]!r} has no place in a model package; {_AGAIN}")
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise PackageError(f"{path}: {', '.join(missing)} missing; {_AGAIN}")
