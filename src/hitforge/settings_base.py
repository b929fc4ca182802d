"""The strict base class of every settings block."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Frozen settings that reject unknown keys, so that a typing error is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
