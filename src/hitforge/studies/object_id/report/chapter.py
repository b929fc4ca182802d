"""What the chapter of object_id shows."""

from __future__ import annotations

from hitforge.reporting import shared_views
from hitforge.reporting.catalogue import Section, chapter, figure, figures, table, tables

_TABLES, _FIGURES = "report.result_tables", "report.result_figures"
_DATA, _DATA_FIGURES = "report.data_tables", "report.data_figures"

CHAPTER = chapter(
    "Electron, jet, muon or tau from calorimeter sub-images",
    Section(
        "results",
        "Results",
        words=("Every number is for objects that no model was trained on.",),
        views=(
            table("headline", _TABLES),
            figure("confusion", _FIGURES),
            table("aims", _TABLES),
            table(
                "differences",
                "hitforge.reporting.difference_table",
                quantities={"balanced_accuracy": ("balanced accuracy", "%"), "accuracy": ("accuracy", "%")},
                note="Negative is worse.",
            ),
            table("class_report", _TABLES),
        ),
    ),
    Section(
        "separation",
        "Separation of the classes",
        views=(
            *figures(_FIGURES, "roc_pairs", "roc_rest"),
            *tables(_TABLES, "auc", "rejections"),
            figure("recall", _FIGURES),
        ),
    ),
    Section(
        "probabilities",
        "Probabilities",
        words=("A probability of 90 % should be right in nine cases of ten.",),
        views=(figure("reliability", _FIGURES), table("calibration", _TABLES), figure("scores", _FIGURES)),
    ),
    Section(
        "images",
        "Images",
        views=(
            *figures(
                "report.image_figures", "mean_images", "example_images", "event_displays", "occlusion", "misclassified"
            ),
            table("image_scores", _DATA),
        ),
    ),
    shared_views.data_section(
        shared_views.CUT_FLOW,
        shared_views.SELECTION,
        table("class_counts", _DATA),
        shared_views.BAD_PARTS,
        figure("kinematics", _DATA_FIGURES),
    ),
    Section(
        "models",
        "Models and training",
        views=(
            shared_views.MODELS,
            figure("accuracy_history", _DATA_FIGURES),
            shared_views.loss_history("Losses of different kinds cannot be compared."),
            shared_views.TRAINING,
            table("sweep", _DATA),
            figure("importances", "report.data_figures"),
            *shared_views.TUNING,
        ),
    ),
    opening=("roc_rest", "confusion"),
)
