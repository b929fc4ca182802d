"""Catalogue of the chapter: its sections with their words, tables and figures."""

from __future__ import annotations

from hitforge.reporting.catalogue import Catalogue, Section, figure, table

_TRAINING_TABLES, _TRAINING_FIGURES = "hitforge.reporting.training_tables", "hitforge.reporting.training_figures"
_PARTS = "hitforge.reporting.part_tables"

CHAPTER = Catalogue(
    title="Transverse momentum of endcap muons from trigger primitives",
    summary="report.text:summary",
    notes="report.text:notes",
    headline="report.text:headline",
    front="report.text:front_row",
    sections=(
        Section(
            "results",
            "Results",
            words=("Every number is for muons that no model was trained on.",),
            views=(
                table("headline", "report.result_tables"),
                table("aims", "report.result_tables"),
                table("differences", "report.result_tables"),
                table("regression", "report.result_tables"),
                table("ablations", "report.result_tables"),
            ),
        ),
        Section(
            "trigger",
            "Trigger",
            text="report.text:trigger",
            views=(
                figure("turn_on", "report.trigger_figures"),
                table("turn_on", "report.trigger_tables"),
                figure("turn_on_regions", "report.trigger_figures"),
                figure("efficiency_map", "report.trigger_figures"),
                figure("rate", "report.trigger_figures"),
                table("rates", "report.trigger_tables"),
                figure("rate_eta", "report.trigger_figures"),
            ),
        ),
        Section(
            "regression",
            "Resolution, bias and charge",
            words=("A muon beyond 120 GeV bends less than the chambers resolve; its pT is a lower limit at best.",),
            views=(
                figure("predictions", "report.resolution_figures"),
                figure("resolution", "report.resolution_figures"),
                figure("bias", "report.resolution_figures"),
                figure("charge", "report.resolution_figures"),
            ),
        ),
        Section(
            "uncertainty",
            "Uncertainties",
            views=(table("uncertainty", "report.trigger_tables"), figure("coverage", "report.class_figures")),
        ),
        Section(
            "classes",
            "Classes",
            words=(
                "Classes are 0–10, 10–30, 30–100 and above 100 GeV of the true pT. The first holds three quarters of "
                "the muons, so the accuracy must be read beside that of guessing it.",
            ),
            views=(
                table("class_report", "report.threshold_tables"),
                figure("confusion", "report.class_figures"),
                table("auc", "report.threshold_tables"),
                figure("class_calibration", "report.class_figures"),
            ),
        ),
        Section(
            "thresholds",
            "Metrics against threshold",
            words=("The tables and curves of the seeds, with what they leave open made explicit.",),
            views=(
                table("deck_thresholds", "report.threshold_tables"),
                figure("threshold_scan", "report.threshold_figures"),
                figure("decision", "report.threshold_figures"),
                figure("benchmark", "report.threshold_figures"),
                figure("confusion_deck", "report.class_figures"),
            ),
        ),
        Section(
            "data",
            "Data",
            words=("A part is one ROOT file. Bad and duplicate parts are left out as a whole.",),
            views=(
                table("cut_flow", _PARTS),
                table("selection", _PARTS),
                table("bad_parts", _PARTS),
                table("missing_values", "report.data_tables"),
                figure("missing_values", "report.data_figures"),
                figure("momentum", "report.data_figures"),
                table("class_shares", "report.data_tables"),
                figure("class_shares", "report.data_figures"),
                figure("feature_distributions", "report.data_figures"),
                figure("hit_images", "report.data_figures"),
            ),
        ),
        Section(
            "models",
            "Models and training",
            views=(
                table("models", _TRAINING_TABLES),
                figure(
                    "loss_history",
                    _TRAINING_FIGURES,
                    loss="Loss",
                    note="Losses of different models are different functions.",
                ),
                table("training", _TRAINING_TABLES, unit=""),
                figure("learning_rate", _TRAINING_FIGURES),
                figure("importances", _TRAINING_FIGURES),
                table("bayesian_search", "report.data_tables"),
                table("tuning", _TRAINING_TABLES, unit=""),
                figure("tuning_history", _TRAINING_FIGURES, loss="Score"),
            ),
        ),
        Section("published", "Published values", views=(table("published", "report.result_tables"),)),
    ),
)
