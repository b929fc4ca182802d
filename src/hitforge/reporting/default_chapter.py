"""The chapter of a study that declares none."""

from __future__ import annotations

from hitforge.reporting.catalogue import Catalogue, Section, figure, table

_RESULTS = "hitforge.reporting.default_tables"
_PARTS = "hitforge.reporting.part_tables"
_TABLES, _FIGURES = "hitforge.reporting.training_tables", "hitforge.reporting.training_figures"

CHAPTER = Catalogue(
    title="Results",
    summary=f"{_RESULTS}:summary",
    notes=f"{_RESULTS}:notes",
    headline=f"{_RESULTS}:headline_numbers",
    sections=(
        Section("results", "Results", views=(table("headline", _RESULTS),)),
        Section(
            "data", "Data", views=(table("cut_flow", _PARTS), table("selection", _PARTS), table("bad_parts", _PARTS))
        ),
        Section(
            "models",
            "Models and training",
            views=(
                table("models", _TABLES),
                figure("loss_history", _FIGURES, loss="Loss"),
                table("training", _TABLES, unit=""),
                figure("learning_rate", _FIGURES),
                figure("importances", _FIGURES),
                table("tuning", _TABLES, unit=""),
                figure("tuning_history", _FIGURES, loss="Score"),
            ),
        ),
    ),
)
