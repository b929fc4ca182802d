"""Model packages: all that it takes to apply a trained model, in one file with nothing executable in it.

Knows no study: settings are plain data that :func:`hitforge.studies.base.load_study` takes with stage ``apply``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FORMAT: Final = "hitforge-model"
FORMAT_VERSION: Final = 1
SUFFIX: Final = ".hitforge.zip"


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
        """16 hexadecimal digits of the content: the same files give the same."""
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
        raise NotImplementedError

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that stage ``apply`` is given, as plain data."""
        raise NotImplementedError

    @property
    def metrics(self) -> Mapping[str, Any]:
        """What stage ``evaluate`` wrote."""
        raise NotImplementedError


@contextmanager
def open_package(path: Path) -> Iterator[ModelPackage]:
    """Check a package and yield it; its files are in a temporary folder as long as it is open.

    Raises
    ------
    PackageError
        Missing, damaged, not a package, of an unknown version, or a file in it is not what its hash says.
    """
    raise NotImplementedError
    yield
