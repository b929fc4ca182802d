"""Tables and figures that the chapters of all studies have, for their catalogues."""

from __future__ import annotations

from hitforge.reporting.catalogue import Section, View, figure, table, tables

_TABLES, _FIGURES = "hitforge.reporting.training_tables", "hitforge.reporting.training_figures"

PARTS = (CUT_FLOW, SELECTION, BAD_PARTS) = tables(
    "hitforge.reporting.part_tables", "cut_flow", "selection", "bad_parts"
)
MODELS = table("models", _TABLES)
TRAINING = table("training", _TABLES, unit="")
LEARNING_RATE = figure("learning_rate", _FIGURES)
TUNING = (table("tuning", _TABLES, unit=""), figure("tuning_history", _FIGURES, loss="Score"))


def loss_history(note: str) -> View:
    """Return the figure of the losses against epochs with a note on what can be compared."""
    return figure("loss_history", _FIGURES, loss="Loss", note=note)


def data_section(*views: View) -> Section:
    """Return the section of the data of a study whose parts are ROOT files."""
    words = ("A part is one ROOT file. Bad and duplicate parts are left out as a whole.",)
    return Section("data", "Data", words=words, views=views)
