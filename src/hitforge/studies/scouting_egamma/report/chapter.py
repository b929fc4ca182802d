"""The study's chapter: its sections, their words, their tables and figures in reading order."""

from __future__ import annotations

from hitforge.reporting.catalogue import Catalogue, Section, figure, table

_PARTS, _TRAINING_TABLES = "hitforge.reporting.part_tables", "hitforge.reporting.training_tables"
_TRAINING_FIGURES = "hitforge.reporting.training_figures"
_RESULTS, _DETAILS, _DATA = "report.result_tables", "report.detail_tables", "report.data_tables"
_BINNED, _REFERENCE = "report.binned_figures", "report.reference_figures"
_DATA_FIGURES, _MODEL_FIGURES = "report.data_figures", "report.model_figures"

CHAPTER = Catalogue(
    title="Electron and photon energies from scouting data",
    summary="report.text:summary",
    notes="report.text:notes",
    headline="report.result_tables:headline_numbers",
    front="report.text:front_row",
    sections=(
        Section(
            "results",
            "Results",
            words=("Every number is for candidates that no model was trained on.",),
            views=(
                table("headline", _RESULTS),
                table("aims", _RESULTS),
                figure("resolution_pt", _BINNED),
                figure("resolution_eta", _BINNED),
                figure("response", _REFERENCE),
                figure("linearity", _BINNED),
                table("differences", _RESULTS),
                table("choices", _RESULTS),
                table("selections", _RESULTS),
                table("tails", _RESULTS),
            ),
        ),
        Section(
            "response",
            "Response in detail",
            views=(
                figure("resolution_map", _BINNED),
                figure("response_observed", _BINNED),
                figure("energy_fit", _BINNED),
                table("energy_fit", _DETAILS),
                table("crystal_ball", _DETAILS),
                table("widths", _DETAILS),
                table("dead_map", _DETAILS),
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
                table("cut_flow", _PARTS),
                table("selection", _PARTS),
                table("bad_parts", _PARTS),
                figure("generated", _DATA_FIGURES),
                figure("raw_response", _DATA_FIGURES),
                figure("response_plane", _REFERENCE),
                table("regions", _DETAILS),
                figure("energies", _REFERENCE),
                figure("response_gaps", _DATA_FIGURES),
                figure("detector_maps", _DATA_FIGURES),
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
                figure("cut_response", _DATA_FIGURES),
                figure("cut_efficiency", _DATA_FIGURES),
                figure("shower_shapes", _DATA_FIGURES),
            ),
        ),
        Section(
            "training",
            "Training",
            words=("Importances and trials of a model are those of its first booster, that of electrons in EB.",),
            views=(
                table("training", _TRAINING_TABLES, unit=""),
                figure(
                    "loss_history",
                    _TRAINING_FIGURES,
                    loss="Loss",
                    note="Losses of different models are different functions; a likelihood follows epochs of the "
                    "relative loss.",
                ),
                figure("importances", _TRAINING_FIGURES, least=1.0),
                figure("permutation", _MODEL_FIGURES),
                table("tuning", _TRAINING_TABLES, unit=""),
                figure("tuning_history", _TRAINING_FIGURES, loss="Score"),
                figure("tuning_parameters", _MODEL_FIGURES),
            ),
        ),
    ),
)
