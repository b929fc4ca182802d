"""Catalogue of the chapter: its sections with their words, tables and figures."""

from __future__ import annotations

from hitforge.reporting import shared_views
from hitforge.reporting.catalogue import Section, chapter, figure, figures, table, tables

_RESULTS, _DATA, _DATA_FIGURES = "report.result_tables", "report.data_tables", "report.data_figures"
_TRIGGER, _TRIGGER_FIGURES = "report.trigger_tables", "report.trigger_figures"
_THRESHOLDS, _CLASS_FIGURES = "report.threshold_tables", "report.class_figures"

CHAPTER = chapter(
    "Transverse momentum of endcap muons from trigger primitives",
    Section(
        "results",
        "Results",
        words=("Every number is for muons that no model was trained on.",),
        views=tables(_RESULTS, "headline", "aims", "differences", "regression", "ablations"),
    ),
    Section(
        "trigger",
        "Trigger",
        text="report.text:trigger",
        views=(
            figure("turn_on", _TRIGGER_FIGURES),
            table("turn_on", _TRIGGER),
            *figures(_TRIGGER_FIGURES, "turn_on_regions", "efficiency_map", "rate"),
            table("rates", _TRIGGER),
            figure("rate_eta", _TRIGGER_FIGURES),
        ),
    ),
    Section(
        "regression",
        "Resolution, bias and charge",
        words=("A muon beyond 120 GeV bends less than the chambers resolve; its pT is a lower limit at best.",),
        views=figures("report.resolution_figures", "predictions", "resolution", "bias", "charge"),
    ),
    Section("uncertainty", "Uncertainties", views=(table("uncertainty", _TRIGGER), figure("coverage", _CLASS_FIGURES))),
    Section(
        "classes",
        "Classes",
        words=(
            "Classes are 0–10, 10–30, 30–100 and above 100 GeV of the true pT. The first holds three quarters of "
            "the muons, so the accuracy must be read beside that of guessing it.",
        ),
        views=(
            table("class_report", _THRESHOLDS),
            figure("confusion", _CLASS_FIGURES),
            table("auc", _THRESHOLDS),
            figure("class_calibration", _CLASS_FIGURES),
        ),
    ),
    Section(
        "thresholds",
        "Metrics against threshold",
        words=("The tables and curves of the seeds, with what they leave open made explicit.",),
        views=(
            table("deck_thresholds", _THRESHOLDS),
            *figures("report.threshold_figures", "threshold_scan", "decision", "benchmark"),
            figure("confusion_deck", _CLASS_FIGURES),
        ),
    ),
    shared_views.data_section(
        *shared_views.PARTS,
        table("missing_values", _DATA),
        *figures(_DATA_FIGURES, "missing_values", "momentum"),
        table("class_shares", _DATA),
        *figures(_DATA_FIGURES, "class_shares", "feature_distributions", "hit_images"),
    ),
    Section(
        "models",
        "Models and training",
        views=(
            shared_views.MODELS,
            shared_views.loss_history("Losses of different models are different functions."),
            shared_views.TRAINING,
            shared_views.LEARNING_RATE,
            figure("importances", "report.data_figures"),
            table("bayesian_search", _DATA),
            *shared_views.TUNING,
        ),
    ),
    Section("published", "Published values", views=tables(_RESULTS, "published")),
    opening=("turn_on", "resolution"),
)
