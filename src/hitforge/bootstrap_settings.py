"""Settings that the evaluation of every study has."""

from __future__ import annotations

from pydantic import Field

from hitforge.settings_base import Settings


class BootstrapSettings(Settings):
    """Base of a study's block ``evaluation``; a calibration is made without it and does not see this key."""

    bootstraps: int = Field(500, ge=2, description="bootstrap replicas of every number")
