"""What the chapter of calo_muon shows."""

from __future__ import annotations

from hitforge.reporting.catalogue import Catalogue, Section, figure, table

_PARTS = "hitforge.reporting.part_tables"
_TRAINING_TABLES, _TRAINING_FIGURES = "hitforge.reporting.training_tables", "hitforge.reporting.training_figures"
_TABLES, _MODELS = "report.result_tables", "report.model_tables"
_TRANSFER, _RESOLUTION = "report.transfer_figures", "report.resolution_figures"
_RESPONSE, _DATA = "report.response_figures", "report.data_figures"

CHAPTER = Catalogue(
    title="Muon energy from a finely segmented calorimeter",
    summary="report.text:summary",
    notes="report.text:notes",
    headline="report.text:headline_numbers",
    front="report.text:front_row",
    sections=(
        Section(
            "results",
            "What the models know",
            words=(
                "Models are ranked by information: the mean of log2 q(E | model) / p(E) at the true energy E, in bits. "
                "p is the flat spectrum of the sample, q the density of the energy that a model gives, or that its "
                "single number stands for (fitted on held-out muons). One bit halves the range of energies that are "
                "left. No shift, scale or other rising function of a prediction alters it, and a density that claims "
                "too much loses.",
            ),
            views=(
                figure("information", "report.information_figures"),
                table("headline", _TABLES),
                table("differences", _TABLES),
            ),
        ),
        Section(
            "objectives",
            "Objectives",
            words=(
                "Why not rank by MI? MI takes the width of the predictions in a bin of true energy, after a linear "
                "correction, for the resolution. An objective that lets the response saturate near the upper end of "
                "the spectrum makes this width small there, and the linear correction does not see it. So MI can rise "
                "with the power of E in the objective while neither the information nor what a muon-by-muon "
                "combination gains has grown.",
            ),
            views=(figure("objectives", _TRANSFER),),
        ),
        Section(
            "transfer",
            "Other showers, more muons",
            words=(
                "A test sample of another origin than the training's, Geant4 muons for models trained on the embedded "
                "simulation, tells how much of their knowledge is about muons and how much about that simulation.",
            ),
            views=(figure("transfer", _TRANSFER), figure("learning_curve", _TRANSFER)),
        ),
        Section(
            "measured",
            "With the tracker, muon by muon",
            words=(
                "Each muon gets one simulated measurement of the tracker. Its likelihood times the calorimeter's "
                "density gives a posterior, whose median is the combined energy. The measured gain is the resolution "
                "of the tracker alone minus that of the combination, averaged over bins of true energy.",
            ),
            views=(
                figure("measured_resolution", _RESOLUTION),
                table("measured", _TABLES),
                figure("responses", _RESPONSE),
                figure("linearity", _RESPONSE),
            ),
        ),
        Section(
            "published",
            "The paper's measure and its values",
            text="report.text:mean_improvement",
            views=(
                figure("resolution", _RESOLUTION),
                table("resolution", _TABLES),
                figure("calibration", _RESPONSE),
                table("published", _MODELS),
            ),
        ),
        Section(
            "data",
            "Data",
            words=("A part is one ROOT file. Bad and duplicate parts are left out as a whole.",),
            views=(
                table("cut_flow", _PARTS),
                table("bad_parts", _PARTS),
                figure("spectra", _DATA),
                figure("event_displays", _DATA),
            ),
        ),
        Section(
            "models",
            "Models and training",
            views=(
                table("models", _MODELS),
                figure("loss_history", _TRAINING_FIGURES, loss="Loss", note="Each objective has a unit of its own."),
                # each objective has a unit of its own
                table("training", _TRAINING_TABLES, unit=""),
                figure("importances", "report.data_figures"),
                table("tuning", _TRAINING_TABLES, unit=""),
                figure("tuning_history", _TRAINING_FIGURES, loss="Loss on the scoring fold"),
            ),
        ),
        Section(
            "features",
            "High-level features",
            views=(table("features", _MODELS), figure("feature_distributions", _DATA)),
        ),
    ),
    opening=("information",),
)
