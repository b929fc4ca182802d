"""What the chapter of object_id shows."""

from __future__ import annotations

from hitforge.reporting.catalogue import Catalogue, Section, figure, figures, table, tables
from hitforge.reporting.shared_views import (
    BAD_PARTS,
    CUT_FLOW,
    IMPORTANCES,
    MODELS,
    SELECTION,
    TRAINING,
    TUNING,
    data_section,
    loss_history,
)

_TABLES, _FIGURES = "report.result_tables", "report.result_figures"
_DATA, _DATA_FIGURES = "report.data_tables", "report.data_figures"

CHAPTER = Catalogue(
    title="Electron, jet, muon or tau from calorimeter sub-images",
    summary="report.text:summary",
    notes="report.text:notes",
    headline="report.text:headline_numbers",
    front="report.text:front_row",
    sections=(
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
                    "report.image_figures",
                    "mean_images",
                    "example_images",
                    "event_displays",
                    "occlusion",
                    "misclassified",
                ),
                table("image_scores", _DATA),
            ),
        ),
        data_section(CUT_FLOW, SELECTION, table("class_counts", _DATA), BAD_PARTS, figure("kinematics", _DATA_FIGURES)),
        Section(
            "models",
            "Models and training",
            views=(
                MODELS,
                figure("accuracy_history", _DATA_FIGURES),
                loss_history("Losses of different kinds cannot be compared."),
                TRAINING,
                table("sweep", _DATA),
                IMPORTANCES,
                *TUNING,
            ),
        ),
    ),
)
