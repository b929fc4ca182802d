"""Names of the chapter's tables and figures: the workflow must know its outputs before it runs."""

from __future__ import annotations

TABLES: tuple[str, ...] = (
    "headline",
    "aims",
    "differences",
    "selections",
    "tails",
    "crystal_ball",
    "pair_mass",
    "cut_flow",
    "selection",
    "quality_cuts",
    "bad_parts",
    "training",
    "tuning",
)

FIGURES: tuple[str, ...] = (
    "resolution_pt",
    "resolution_eta",
    "response",
    "pair_mass",
    "generated",
    "raw_response",
    "response_plane",
    "response_gaps",
    "detector_maps",
    "shower_shapes",
    "loss_history",
    "importances",
    "tuning_history",
)
