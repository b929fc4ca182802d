"""The strict base class of every settings block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, field_validator


class NotGivenError(LookupError):
    """A stage reads a setting that it was not given; the message names both."""


class Settings(BaseModel):
    """Frozen settings that reject unknown keys, so that a typing error is an error.

    Nor is true or false a number (pydantic would take 1 and 0), and no number is infinite or NaN.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # the stage that these settings are given to, and where in them this block stands
    _given: tuple[str, str] | None = PrivateAttr(default=None)

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: Any, field: ValidationInfo) -> Any:
        if _holds_truth(value) and not {bool, Any} & _kinds(cls.model_fields[str(field.field_name)].annotation):
            raise ValueError("true and false are no values here (YAML reads yes, no, on and off as such)")
        return value

    def as_given_to(self, stage: str, place: str = "") -> Self:
        """Refuse from now on to hand out what was not given, here and in all blocks below.

        Without this a key that a stage forgot to ask for would silently have its default there.
        """
        self._given = (stage, place)
        for name in self.model_fields_set:
            for below, block in _blocks(name, self.__dict__[name]):
                block.as_given_to(stage, f"{place}{below}.")
        return self

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name in type(self).__pydantic_fields__:
            given = (super().__getattribute__("__pydantic_private__") or {}).get("_given")
            if given is not None and name not in super().__getattribute__("__pydantic_fields_set__"):
                stage, place = given
                raise NotGivenError(
                    f"stage {stage} reads the setting {place}{name}, which it is not given: name the block at the "
                    "entry point in the study's declaration, or hand the value over"
                )
        return value


def _blocks(name: str, value: Any) -> Iterator[tuple[str, Settings]]:
    """Yield the settings in a value, one or many by name, with their place."""
    if isinstance(value, Settings):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _blocks(f"{name}.{key}", item)


def _kinds(annotation: Any) -> frozenset[Any]:
    """Return the types that an annotation is made of; the fields of settings inside it are their own business."""
    inner = get_args(annotation)
    if not inner:
        return frozenset([type(annotation) if isinstance(annotation, bool) else annotation])
    return frozenset().union(*map(_kinds, inner))


def _holds_truth(value: Any) -> bool:
    """Return whether a value, or one in a list, is true or false."""
    if isinstance(value, list | tuple):
        return any(map(_holds_truth, value))
    return isinstance(value, bool)


class BootstrapSettings(Settings):
    """Base of a study's block ``evaluation``; a calibration is made without it and does not see this key."""

    bootstraps: int = Field(500, ge=2, description="bootstrap replicas of every number")
