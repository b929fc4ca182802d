"""The study's chapter: its sections, their words, their tables and figures in reading order."""

from __future__ import annotations

from hitforge.reporting.catalogue import Section, chapter, figure, figures, table, tables
from hitforge.reporting.shared_views import MODELS, PARTS, TRAINING, TUNING, loss_history

_RESULTS, _DETAILS, _DATA = "report.result_tables", "report.detail_tables", "report.data_tables"
_BINNED, _REFERENCE = "report.binned_figures", "report.reference_figures"
_DATA_FIGURES, _MODEL_FIGURES = "report.data_figures", "report.model_figures"

CHAPTER = chapter(
    "Electron and photon energies from scouting data",
    Section(
        "results",
        "Results",
        words=("Every number is for candidates that no model was trained on.",),
        views=(
            *tables(_RESULTS, "headline", "aims"),
            *figures(_BINNED, "resolution_pt", "resolution_eta"),
            figure("response", _REFERENCE),
            figure("linearity", _BINNED),
            *tables(_RESULTS, "differences", "choices", "selections", "tails"),
        ),
    ),
    Section(
        "response",
        "Response in detail",
        views=(
            *figures(_BINNED, "resolution_map", "response_observed", "energy_fit"),
            *tables(_DETAILS, "energy_fit", "crystal_ball", "widths", "dead_map"),
        ),
    ),
    Section(
        "pairs",
        "Pair mass and published numbers",
        views=(figure("pair_mass", _REFERENCE), table("pair_mass", _DETAILS), table("published", _DATA)),
    ),
    Section(
        "data",
        "Data",
        words=(
            "dE is (E_reco − E_MC) / E_MC. Gaps between supermodules (18 fringes in φ) and modules, dead channels "
            "and bremsstrahlung outside the 5 × 5 make the tail below 0.",
        ),
        views=(
            *PARTS,
            *figures(_DATA_FIGURES, "generated", "raw_response"),
            figure("response_plane", _REFERENCE),
            table("regions", _DETAILS),
            figure("energies", _REFERENCE),
            *figures(_DATA_FIGURES, "response_gaps", "detector_maps"),
        ),
    ),
    Section(
        "cuts",
        "Cuts",
        words=(
            "Cuts choose what some models train on. Nothing is cut before evaluation, and cuts that look at the "
            "truth are shown for comparison only: they cannot be applied to data, and they remove the tail that "
            "matters.",
        ),
        views=(
            table("quality_cuts", _DATA),
            *figures(_DATA_FIGURES, "cut_response", "cut_efficiency", "shower_shapes"),
        ),
    ),
    Section(
        "training",
        "Models and training",
        words=("Importances and trials of a model are those of its first booster, that of electrons in EB.",),
        views=(
            MODELS,
            TRAINING,
            loss_history(
                "Losses of different models are different functions; a likelihood follows epochs of the relative loss."
            ),
            figure("importances", "report.model_figures"),
            figure("permutation", _MODEL_FIGURES),
            *TUNING,
            figure("tuning_parameters", _MODEL_FIGURES),
        ),
    ),
    opening=("resolution_pt", "pair_mass"),
)
