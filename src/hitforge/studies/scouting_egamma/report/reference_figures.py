"""Figures of the single candidates before and after the correction of the reference model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.metrics import cell, metrics_of
from hitforge.reporting.model_looks import colour_of
from hitforge.reporting.numbers import measured
from hitforge.reporting.plotting import labelled_panels
from hitforge.reporting.style import GREY
from hitforge.seeds import child_generator
from hitforge.studies.scouting_egamma.evaluation.pair_mass import MASS_RANGE_GEV, PAIRS, PairMass
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample
from hitforge.studies.scouting_egamma.report import plotting
from hitforge.studies.scouting_egamma.report.view import percent, sample_text

_PAIR_TITLES = {"EB-EB": "both electrons in EB", "not EB-EB": "at least one in EE"}


@plotting.of_reference("Response before and after {reference}")
def response(inputs: ReportInputs, sample: EnergySample) -> plotting.Drawn:
    """Response before and after the correction, a panel for each category."""
    figure, grid = plotting.category_panels(inputs, "$E / E_{MC}$", "Candidates", sharex=False)
    edges, corrected = np.linspace(0.5, 1.3, 161), inputs.reference
    before = inputs.settings["report"]["uncorrected_model"]
    for c, axes in enumerate(grid.flat):
        own = sample.category == c
        for values, name, model, colour in (
            (1 / sample.y_true, "uncorrected", before, GREY),
            (sample.response, corrected, corrected, colour_of(inputs, corrected)),
        ):
            width = percent(inputs, model, "width", c)
            text = name if width.value is None else f"{name}: {measured(width)} %"
            axes.hist(np.clip(values[own], 0.5, 1.2999), edges, histtype="step", color=colour, label=text)
        axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_yscale("log")
        # room for the legend above the outermost bins
        axes.set_ylim(top=12 * axes.get_ylim()[1])
        axes.legend(loc="upper left", title=f"{plotting.SIGMA} / median", fontsize=9.5)
    return figure, (f"All candidates with an energy, {sample_text(inputs)}; the outermost bins hold what lies beyond.")


@plotting.of_reference("Mass of electron pairs")
def pair_mass(inputs: ReportInputs, sample: EnergySample) -> plotting.Drawn:
    """Mass of electron pairs before and after the correction."""
    one = np.ones(len(sample))
    before = replace(sample, columns={"y": one}, factor=one)
    figure, (grid,) = labelled_panels(inputs, 1, 2, (10.4, 4.4))
    edges = np.linspace(*MASS_RANGE_GEV, 81)
    for energies, name, model, colour in (
        (before, "uncorrected", inputs.settings["report"]["uncorrected_model"], GREY),
        (sample, inputs.reference, inputs.reference, colour_of(inputs, inputs.reference)),
    ):
        pairs = PairMass(energies, child_generator(0, "pairs of the figure"))
        found = metrics_of(inputs).get(model)
        for p, axes in enumerate(grid):
            text = name if found is None else f"{name}: {measured(cell(found['pair_mass']['sigma_eff'], p))} GeV"
            axes.hist(pairs.mass[pairs.group == p], edges, histtype="step", color=colour, label=text)
    for p, axes in enumerate(grid):
        plotting.panel_title(axes, _PAIR_TITLES[PAIRS[p]])
        axes.set(xlabel="$m_{ee}$ [GeV]", xlim=MASS_RANGE_GEV)
        axes.legend(loc="upper left", title=plotting.SIGMA, fontsize=9.5)
    grid[0].set_ylabel(f"Pairs per {edges[1] - edges[0]:g} GeV")
    return figure, (
        "Breit–Wigner masses of a Z, smeared with the responses of two electrons of the sample; no simulation of Z "
        "decays. Widths are those of the table."
    )


@plotting.of_reference("Response against that of the 5 × 5")
def response_plane(inputs: ReportInputs, sample: EnergySample) -> plotting.Drawn:
    """dE against the same of the 5 x 5, before and after the correction."""
    edges = np.linspace(-1.05, 0.35, 141)
    figure, grid = labelled_panels(inputs, 2, 2, (9.6, 8.6), sharex=True, sharey=True)
    for axes, values, own in plotting.region_rows(inputs, grid, sample):
        plotting.density(axes, sample.observed["e5x5_response"][own] - 1, values[own] - 1, edges, edges)
    plotting.colour_bar(figure, grid)
    for row in grid:
        row[0].set_ylabel("(E − $E_{MC}$) / $E_{MC}$")
    for axes in grid[1]:
        axes.set_xlabel("($E_{5×5}$ − $E_{MC}$) / $E_{MC}$")
    return figure, (
        "The diagonal is energy outside the 5 × 5 that was not recovered, the horizontal band energy that was; "
        f"{sample_text(inputs)}."
    )


@plotting.of_reference("Energy against the generated energy")
def energies(inputs: ReportInputs, sample: EnergySample) -> plotting.Drawn:
    """Energy against the generated one, before and after the correction."""
    figure, grid = labelled_panels(inputs, 2, 2, (9.6, 8.2), sharex="col", sharey="col")
    for axes, values, own in plotting.region_rows(inputs, grid, sample):
        edges = np.linspace(0, np.quantile(sample.energy[own], 0.999) if own.any() else 1.0, 121)
        plotting.density(axes, sample.energy[own], (values * sample.energy)[own], edges, edges)
        axes.plot(edges[[0, -1]], edges[[0, -1]], color=GREY, linewidth=0.7, linestyle=":")
    plotting.colour_bar(figure, grid)
    for row in grid:
        row[0].set_ylabel("E [GeV]")
    for axes in grid[1]:
        axes.set_xlabel("$E_{MC}$ [GeV]")
    return figure, f"Dotted: equal energies; {sample_text(inputs)}."
