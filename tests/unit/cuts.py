"""A study as a stage of the workflow gets it: with the settings that the stage asked for, and no others."""

from __future__ import annotations

from typing import Any

from hitforge.studies.base import Study, load_study


def cut(study: Study, stage: str, model: str | None = None) -> Study:
    """Return the study with the cut of a stage, of one model where it is trained or predicted."""
    # a manifest is written with what a prediction reads
    block = "predict" if stage == "assemble" else stage
    beside = None if model is None else study.settings.beside(model)
    return load_study(study.name, study.settings.for_stage(block, model), stage, beside)
