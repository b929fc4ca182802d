"""Names of the chapter's tables and figures: the workflow must know its outputs before it runs."""

from __future__ import annotations

TABLES: tuple[str, ...] = (
    "headline",
    "aims",
    "differences",
    "class_report",
    "auc",
    "rejections",
    "calibration",
    "image_scores",
    "sweep",
    "cut_flow",
    "selection",
    "class_counts",
    "bad_parts",
    "models",
    "training",
    "tuning",
)

FIGURES: tuple[str, ...] = (
    "confusion",
    "roc_pairs",
    "roc_rest",
    "recall",
    "reliability",
    "scores",
    "misclassified",
    "occlusion",
    "mean_images",
    "example_images",
    "event_displays",
    "kinematics",
    "accuracy_history",
    "loss_history",
    "importances",
    "tuning_history",
)
