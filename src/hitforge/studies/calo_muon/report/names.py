"""Names of the chapter's tables and figures: the workflow must know its outputs before it runs."""

from __future__ import annotations

TABLES: tuple[str, ...] = (
    "headline",
    "differences",
    "measured",
    "resolution",
    "cut_flow",
    "bad_parts",
    "models",
    "training",
    "tuning",
    "features",
    "published",
)

FIGURES: tuple[str, ...] = (
    "information",
    "objectives",
    "transfer",
    "learning_curve",
    "measured_resolution",
    "resolution",
    "responses",
    "linearity",
    "calibration",
    "spectra",
    "event_displays",
    "feature_distributions",
    "loss_history",
    "importances",
    "tuning_history",
)
