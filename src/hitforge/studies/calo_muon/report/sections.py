"""The sections of the chapter: what their measures mean, and which tables and figures they show."""

from __future__ import annotations

from hitforge.reporting.chapter import ReportInputs, Section
from hitforge.reporting.chapter_parts import items

_INFORMATION = (
    "Models are ranked by information: the mean of log2 q(E | model) / p(E) at the true energy E, in bits. p is the "
    "flat spectrum of the sample, q the density of the energy that a model gives, or that its single number stands for "
    "(fitted on held-out muons). One bit halves the range of energies that are left. No shift, scale or other "
    "rising function of a prediction alters it, and a density that claims too much loses."
)

_SATURATION = (
    "Why not rank by MI? MI takes the width of the predictions in a bin of true energy, after a linear correction, for "
    "the resolution. An objective that lets the response saturate near the upper end of the spectrum makes this width "
    "small there, and the linear correction does not see it. So MI can rise with the power of E in the objective while "
    "neither the information nor what a muon-by-muon combination gains has grown."
)


def tracker_percent(inputs: ReportInputs, energy_gev: float) -> float:
    """Return the resolution of the assumed tracker in percent."""
    return 100.0 * float(inputs.settings["evaluation"]["tracker_per_gev"]) * energy_gev


def sections(inputs: ReportInputs) -> tuple[Section, ...]:
    """Return the sections in reading order."""
    evaluation = inputs.settings["evaluation"]
    # a perfect calorimeter leaves the tracker's mean resolution as the improvement
    most = tracker_percent(inputs, 0.5 * (evaluation["e_min_gev"] + evaluation["e_max_gev"]))
    return (
        Section(
            id="results",
            title="What the models know",
            text=(_INFORMATION,),
            items=items("figure information", "table headline", "table differences"),
        ),
        Section(id="objectives", title="Objectives", text=(_SATURATION,), items=items("figure objectives")),
        Section(
            id="transfer",
            title="Other showers, more muons",
            text=(
                "A test sample of another origin than the training's, Geant4 muons for models trained on the embedded "
                "simulation, tells how much of their knowledge is about muons and how much about that simulation.",
            ),
            items=items("figure transfer", "figure learning_curve"),
        ),
        Section(
            id="measured",
            title="With the tracker, muon by muon",
            text=(
                "Each muon gets one simulated measurement of the tracker. Its likelihood times the calorimeter's "
                "density gives a posterior, whose median is the combined energy. The measured gain is the resolution "
                "of the tracker alone minus that of the combination, averaged over bins of true energy.",
            ),
            items=items("figure measured_resolution", "table measured", "figure responses", "figure linearity"),
        ),
        Section(
            id="published",
            title="The paper's measure and its values",
            text=(
                "The relative resolution in an energy bin is the half width of the central 68 % of the corrected "
                "predictions and the residual bias of their median, added in quadrature; combined with the tracker by "
                "inverse variances. The mean improvement (MI) is the average over bins of tracker minus combined "
                f"resolution; a perfect calorimeter would reach {most:.0f} pp.",
            ),
            items=items("figure resolution", "table resolution", "figure calibration", "table published"),
        ),
        Section(
            id="data",
            title="Data",
            text=("A part is one ROOT file. Bad and duplicate parts are left out as a whole.",),
            items=items("table cut_flow", "table bad_parts", "figure spectra", "figure event_displays"),
        ),
        Section(
            id="models",
            title="Models and training",
            items=items(
                "table models",
                "figure loss_history",
                "table training",
                "figure importances",
                "table tuning",
                "figure tuning_history",
            ),
        ),
        Section(
            id="features", title="High-level features", items=items("table features", "figure feature_distributions")
        ),
    )
