"""A study as a stage of the workflow gets it: with the settings that the stage is given, and no others."""

from __future__ import annotations

from hitforge.studies.base import Study, load_study


def given(study: Study, stage: str, model: str | None = None) -> Study:
    """Return the study with the settings of a stage, of one model where it is trained or predicted."""
    beside = None if model is None else study.settings.beside(model)
    return load_study(study.name, study.declared.given_settings(study.settings, stage, model), stage, beside)
