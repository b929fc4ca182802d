"""Planes of two energies, before and after the correction of the reference model."""

from __future__ import annotations

import numpy as np

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.evaluated import shown_sample
from hitforge.reporting.plotting import data_label, nothing
from hitforge.reporting.style import GREY, label, new_figure
from hitforge.studies.scouting_egamma.report.data_figures import density
from hitforge.studies.scouting_egamma.report.view import reference_sample, sample_text

_NO_PREDICTIONS = "there are no predictions of the reference model"
_EB = 2
"""Categories below this one are in the barrel."""


def response_plane(inputs: ReportInputs) -> Figure:
    """dE against the same of the 5 x 5, before and after the correction."""
    sample = reference_sample(inputs)
    title = "Response against that of the 5 × 5"
    if sample is None:
        return nothing("response_plane", title, _NO_PREDICTIONS)
    edges = np.linspace(-1.05, 0.35, 141)
    figure = new_figure(9.6, 8.6)
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    after = f"after {inputs.reference}"
    for row, (values, when) in zip(grid, ((1 / sample.y_true, "before"), (sample.response, after)), strict=True):
        for axes, region, own in zip(row, ("EB", "EE"), (sample.category < _EB, sample.category >= _EB), strict=True):
            density(axes, sample.observed["e5x5_response"][own] - 1, values[own] - 1, edges, edges)
            axes.set_title(f"{region}, {when}", loc="right", fontsize=10.5, pad=5)
        row[0].set_ylabel("(E − $E_{MC}$) / $E_{MC}$")
    for axes in grid[1]:
        axes.set_xlabel("($E_{5×5}$ − $E_{MC}$) / $E_{MC}$")
    label(grid[0, 0], data_label(inputs, shown_sample(inputs)))
    caption = (
        "The diagonal is energy outside the 5 × 5 that was not recovered, the horizontal band energy that was; "
        f"{sample_text(inputs)}, logarithmic colours."
    )
    return Figure("response_plane", title, caption, figure)


def energies(inputs: ReportInputs) -> Figure:
    """Energy against the generated one, before and after the correction."""
    sample = reference_sample(inputs)
    title = "Energy against the generated energy"
    if sample is None:
        return nothing("energies", title, _NO_PREDICTIONS)
    figure = new_figure(9.6, 8.2)
    grid = figure.subplots(2, 2, sharex="col", sharey="col")
    after = f"after {inputs.reference}"
    for row, (values, when) in zip(grid, ((1 / sample.y_true, "before"), (sample.response, after)), strict=True):
        for axes, region, own in zip(row, ("EB", "EE"), (sample.category < _EB, sample.category >= _EB), strict=True):
            edges = np.linspace(0, np.quantile(sample.energy[own], 0.999) if own.any() else 1.0, 121)
            density(axes, sample.energy[own], (values * sample.energy)[own], edges, edges)
            axes.plot(edges[[0, -1]], edges[[0, -1]], color=GREY, linewidth=0.7, linestyle=":")
            axes.set_title(f"{region}, {when}", loc="right", fontsize=10.5, pad=5)
        row[0].set_ylabel("E [GeV]")
    for axes in grid[1]:
        axes.set_xlabel("$E_{MC}$ [GeV]")
    label(grid[0, 0], data_label(inputs, shown_sample(inputs)))
    caption = f"Dotted: equal energies; {sample_text(inputs)}, logarithmic colours."
    return Figure("energies", title, caption, figure)
