"""What the chapter of object_id shows."""

from __future__ import annotations

from hitforge.reporting.catalogue import Catalogue, Section, figure, table

_PARTS = "hitforge.reporting.part_tables"
_TRAINING_TABLES, _TRAINING_FIGURES = "hitforge.reporting.training_tables", "hitforge.reporting.training_figures"
_TABLES, _FIGURES = "report.result_tables", "report.result_figures"
_DATA, _IMAGES = "report.data_tables", "report.image_figures"

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
                figure("roc_pairs", _FIGURES),
                figure("roc_rest", _FIGURES),
                table("auc", _TABLES),
                table("rejections", _TABLES),
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
                figure("mean_images", _IMAGES),
                figure("example_images", _IMAGES),
                figure("event_displays", _IMAGES),
                figure("occlusion", _IMAGES),
                figure("misclassified", _IMAGES),
                table("image_scores", _DATA),
            ),
        ),
        Section(
            "data",
            "Data",
            words=("A part is one ROOT file. Bad and duplicate parts are left out as a whole.",),
            views=(
                table("cut_flow", _PARTS),
                table("selection", _PARTS),
                table("class_counts", _DATA),
                table("bad_parts", _PARTS),
                figure("kinematics", "report.data_figures"),
            ),
        ),
        Section(
            "models",
            "Models and training",
            views=(
                table("models", _TRAINING_TABLES),
                figure("accuracy_history", "report.data_figures"),
                figure(
                    "loss_history",
                    _TRAINING_FIGURES,
                    loss="Loss",
                    note="Losses of different kinds cannot be compared.",
                ),
                table("training", _TRAINING_TABLES, unit=""),
                table("sweep", _DATA),
                figure("importances", _TRAINING_FIGURES),
                table("tuning", _TRAINING_TABLES, unit=""),
                figure("tuning_history", _TRAINING_FIGURES, loss="Score"),
            ),
        ),
    ),
)
