"""What a person may choose about the look of a report; no number depends on it."""

from __future__ import annotations

from pydantic import Field

from hitforge.settings_base import Settings


class LabelSettings(Settings):
    """Whose figures these are and of what data, written above every figure; all empty: ``hitforge`` alone."""

    label: str = Field("", description="experiment and kind of data: CMS Simulation; the first word is bold")
    status: str = Field("", description="what follows it in italics, for example Preliminary")
    sqrt_s_tev: float | None = Field(None, gt=0, description="centre-of-mass energy, above the figures on the right")
    luminosity_per_fb: float | None = Field(None, gt=0, description="integrated luminosity, before the energy")
    author: str = Field("", description="who made the report: in the head of the page")


class ReportSettings(LabelSettings):
    """How the report of a study looks; what is not said here is taken from the block ``report`` of the whole run."""

    show: tuple[str, ...] = Field(
        (),
        description="models of the figures, beside the reference model; none: the baseline and the next two reported",
    )
