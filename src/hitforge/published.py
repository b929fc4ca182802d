"""What was published, and what a study aims at: ``published.yaml`` in its folder, none of it in code."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from hitforge.settings_base import Settings
from hitforge.yaml_files import read_as


class PublishedResult(Settings):
    """One printed number; all are for other data than a run of ours."""

    source: str = Field(description="key of the sources")
    quantity: str = Field(description="what it is, by the name that the study's metrics have for it")
    text: str = Field("", description="what it is, in words")
    model: str | None = Field(None, description="our model that repeats it")
    printed: str | None = Field(None, description="as printed, where that is no number: below 1.8")
    value: float | None = None
    error: float | None = None
    decimals: int | None = Field(None, description="decimals as printed")
    about: Mapping[str, str | int | float] = Field({}, description="what else the source says of it")


class Aim(Settings):
    """A limit that a number of a model, or its difference to another model, is to stay below or above.

    Models are named, or as ``reference_model``, ``baseline_model`` or another setting of the study,
    ``evaluation.rate_reference``. The text may hold ``{model}``, ``{against}``, ``{limit:g}``, ``{size:g}`` (of the
    limit, without its sign) and settings, ``{settings[evaluation][rate_threshold_gev]:g}``.
    """

    text: str
    model: str
    against: str | None = Field(None, description="the limit is for the difference to this model")
    quantity: str
    where: Mapping[str, Any] = Field({}, description="what the difference is restricted to")
    limit: float = 0.0
    sign: Literal[-1, 1] = Field(description="1: the number is to be above its limit, -1: below")
    absolute: bool = Field(False, description="the limit is for the size of the number, whatever its sign")
    percent: bool = Field(False, description="differences are of fractions, the limit is in percent")


class Published(Settings):
    """Published numbers with their sources, and the study's aims."""

    note: str = Field("", description="what data the published numbers are for")
    sources: Mapping[str, str] = Field({}, description="key of a source to what it is")
    results: tuple[PublishedResult, ...] = ()
    blocks: Mapping[str, Any] = Field({}, description="printed curves and tables, by the names that the study gives")
    aims: tuple[Aim, ...] = ()

    @model_validator(mode="after")
    def _sources_are_known(self) -> Published:
        for result in self.results:
            if result.source not in self.sources:
                raise ValueError(f"result {result.text or result.quantity!r}: source {result.source!r} is not listed")
        return self

    @property
    def source(self) -> str:
        """The source, of a study with one."""
        (only,) = self.sources.values()
        return only

    def find(self, quantity: str, model: str | None = None, **about: Any) -> PublishedResult | None:
        """Return the first result of a quantity, of a model or with what else is said of it; None if there is none."""
        found = (result for result in self.results if result.quantity == quantity and model in (None, result.model))
        return next((r for r in found if all(r.about.get(key) == value for key, value in about.items())), None)


@cache
def load_published(study: str) -> Published:
    """Read the file of a study; without one there is nothing published and no aim."""
    path = Path(str(files(f"hitforge.studies.{study}"))) / "published.yaml"
    return read_as(Published, path) if path.is_file() else Published()


def model_named(name: str, settings: Mapping[str, Any]) -> str:
    """Return the model that an aim names: as it is, or what the study's settings have at that place, or ValueError."""
    if name not in ("reference_model", "baseline_model") and "." not in name:
        return name
    found: Any = settings
    for key in name.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    if found is None:
        raise ValueError(f"published.yaml names the model of the setting {name}, which is not set; set it or name one")
    return str(found)
