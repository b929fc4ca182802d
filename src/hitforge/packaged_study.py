"""The study of a model package, with the settings that the package holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

import hitforge
from hitforge.packages import ModelPackage, PackageError
from hitforge.studies.base import Study, load_study


def packaged_study(package: ModelPackage, stage: str | None = None) -> Study:
    """Return the study of a package, as a stage gets it if one is named: nothing comes from a configuration.

    Buffers and threads belong to the machine and not to the model, so they have their defaults.

    Raises
    ------
    PackageError
        This release has other settings than the one that made the package: a default in the place of one that is not
        there might not be what the model was trained with.
    """
    try:
        whole = load_study(package.study, package.settings)
    except ValidationError as error:
        first = error.errors()[0]
        raise _of_another_release(package, ".".join(map(str, first["loc"])), first["msg"]) from error
    blocks = {block for entry in whole.declared.entry_points("apply").values() for block in entry.settings}
    needed = whole.settings.model_dump(mode="json", include=blocks)
    for place in _absent(needed, package.settings):
        raise _of_another_release(package, place, "not there")
    return load_study(package.study, package.settings, stage, whole.settings.beside(package.model))


def _absent(needed: Mapping[str, Any], given: Mapping[str, Any], place: str = "") -> Iterator[str]:
    for key, value in needed.items():
        if key not in given:
            yield f"{place}{key}"
        elif isinstance(value, Mapping) and isinstance(given[key], Mapping):
            yield from _absent(value, given[key], f"{place}{key}.")


def _of_another_release(package: ModelPackage, place: str, what: str) -> PackageError:
    made_by = package.about["hitforge_version"]
    return PackageError(
        f"{package.path}: settings.json, {place}: {what}; hitforge {made_by} made it, this is {hitforge.__version__}; "
        f"fix: pip install hitforge=={made_by}, or pack the model again"
    )
