"""Names of the chapter's tables and figures: the workflow must know its outputs before it runs."""

from __future__ import annotations

TABLES: tuple[str, ...] = (
    *("headline", "aims", "differences", "choices", "selections", "tails", "crystal_ball", "energy_fit", "widths"),
    *("dead_map", "pair_mass", "published"),
    *("cut_flow", "selection", "quality_cuts", "regions", "bad_parts"),
    *("training", "tuning"),
)

FIGURES: tuple[str, ...] = (
    *("resolution_pt", "resolution_eta", "response", "linearity", "resolution_map", "response_observed", "energy_fit"),
    "pair_mass",
    *("generated", "raw_response", "response_plane", "energies", "response_gaps", "detector_maps"),
    *("shower_shapes", "cut_response", "cut_efficiency"),
    *("loss_history", "importances", "permutation", "tuning_history", "tuning_parameters"),
)
