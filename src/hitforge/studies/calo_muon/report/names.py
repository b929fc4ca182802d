"""Names of the chapter's tables and figures: the workflow must know its outputs before it runs."""

from __future__ import annotations

TABLES: tuple[str, ...] = (
    "headline",
    "differences",
    "resolution_heldout",
    "resolution_test",
    "cut_flow",
    "bad_parts",
    "models",
    "training",
    "tuning",
    "features",
    "published",
)

FIGURES: tuple[str, ...] = (
    "mean_improvement",
    "resolution",
    "combined_resolution",
    "bias",
    "linearity",
    "calibration",
    "spectra",
    "event_displays",
    "feature_distributions",
    "loss_history",
    "learning_rate",
    "importances",
    "tuning_history",
)
