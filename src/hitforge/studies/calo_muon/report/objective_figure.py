"""Figure of the objectives: three measures of models that differ in what they minimise alone."""

from __future__ import annotations

import numpy as np

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.evaluated import sample_title
from hitforge.reporting.plotting import data_label, nothing
from hitforge.reporting.style import MARKERS, label, new_figure
from hitforge.studies.calo_muon.report import view
from hitforge.studies.calo_muon.report.model_view import colour, objective_families, power_text
from hitforge.studies.calo_muon.report.plotting import draw_number

_PANELS = ((view.MI, "MI, the published metric"), (view.INFORMATION, "Information"), (view.GAIN, "Measured gain"))


def objectives(inputs: ReportInputs) -> Figure:
    """MI, information and measured gain against the power of E in the objective."""
    title, families = "What the objective moves", objective_families(inputs)
    if not families:
        return nothing("objectives", title, "no two models differ in the power of E in their objective alone")
    sample = view.ranking_sample(inputs)
    figure = new_figure(10.4, 4.1)
    panels = figure.subplots(1, 3)
    powers = sorted({power for family in families for power in family})
    shifts = np.linspace(-0.09, 0.09, len(families)) if len(families) > 1 else np.zeros(1)
    span = 0.0
    for axes, (key, text) in zip(panels, _PANELS, strict=True):
        for index, (family, shift) in enumerate(zip(families, shifts, strict=True)):
            named, shade = next(iter(family.values())), colour(inputs, next(iter(family.values())))
            points = {powers.index(k) + shift: view.number(inputs, m, sample, key) for k, m in family.items()}
            points = {x: number for x, number in points.items() if number.value is not None}
            for x, number in points.items():
                draw_number(axes, x, number, shade, MARKERS[index % len(MARKERS)])
            axes.plot(
                list(points), [n.value or 0.0 for n in points.values()], color=shade, linewidth=1.2,
                marker=MARKERS[index % len(MARKERS)], label=named,
            )  # fmt: skip
        axes.set_xticks(range(len(powers)), [power_text(power) for power in powers])
        axes.tick_params(axis="x", which="minor", length=0)
        axes.set_xlim(-0.5, len(powers) - 0.5)
        axes.set_xlabel("Weight of the squared error")
        axes.set_ylabel(f"{text} [{view.UNIT[key]}]")
        if key != view.INFORMATION:
            span = max(span, float(np.ptp(axes.get_ylim())))
    # percentage points are as long in one panel as in the other; bits get no less than a quarter
    for axes, (key, _) in zip(panels, _PANELS, strict=True):
        low, high = axes.get_ylim()
        height = 1.15 * span if key != view.INFORMATION else max(high - low, 0.25)
        axes.set_ylim(0.5 * (low + high - height), 0.5 * (low + high + height))
    label(panels[0], data_label(inputs, sample), f"{sample_title(sample)} muons")
    handles, texts = panels[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=min(5, len(texts)))
    return Figure(
        "objectives",
        title,
        "Models of one line have the same settings but for the power of E in the weight W·E^k of the squared error "
        "(the paper's is W/E); a line is named after its first model. Percentage points have the same length left and "
        "right. Bootstrap errors of each model alone: the table of differences has the paired ones.",
        figure,
    )
