"""What each cut does: the response with and without it, and its efficiency."""

from __future__ import annotations

import numpy as np

from hitforge.evaluation.statistics import group_of, ratio
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.plotting import data_label, nothing
from hitforge.reporting.style import COLOURS, INK, MARKERS, label, new_figure
from hitforge.studies.scouting_egamma.report.data_figures import DE
from hitforge.studies.scouting_egamma.report.view import all_cuts, load_candidates

_EMPTY = "the shards of the train sample hold no candidates"


def cut_response(inputs: ReportInputs) -> Figure:
    """DE with and without each cut; the legend says what is removed."""
    data, title = load_candidates(inputs), "Response with and without each cut"
    if not data:
        return nothing("cut_response", title, _EMPTY)
    de, edges, cuts = 1 / data["y"] - 1, np.linspace(-1.0, 0.3, 131), all_cuts(data)
    figure = new_figure(10.4, 6.4)
    grid = figure.subplots(1, 2, sharey=True)
    barrel = data["is_eb"] > 0
    for axes, own, region in zip(grid, (barrel, ~barrel), ("EB", "EE"), strict=True):
        axes.hist(np.clip(de[own], -1, 0.2999), edges, histtype="step", color=INK, linewidth=1.2, label="no cut")
        for colour, (name, kept) in zip(COLOURS, cuts.items(), strict=True):
            removed = [100 * np.mean(~kept[part]) if part.any() else 0.0 for part in (barrel, ~barrel)]
            text = f"{name}: −{removed[0]:.1f} % (EB), −{removed[1]:.1f} % (EE)"
            shown = np.clip(de[own & kept], -1, 0.2999)
            axes.hist(shown, edges, histtype="step", color=colour, linewidth=0.9, label=text)
        axes.set_yscale("log")
        axes.set_xlabel(DE)
        axes.set_title(region, loc="right", fontsize=10.5, pad=5)
    handles, texts = grid[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=2, fontsize=8.5)
    grid[0].set_ylabel("Candidates")
    label(grid[0], data_label(inputs, inputs.samples_with_role("train")[0]))
    caption = "Each cut alone, with the share of the candidates that it removes."
    return Figure("cut_response", title, caption, figure)


def cut_efficiency(inputs: ReportInputs) -> Figure:
    """Share of candidates that each cut keeps, against generated pT and abs(eta)."""
    data, title = load_candidates(inputs), "Efficiency of the cuts"
    if not data:
        return nothing("cut_efficiency", title, _EMPTY)
    evaluation = inputs.settings["evaluation"]
    figure = new_figure(12.6, 5.6)
    grid = figure.subplots(1, 3, sharey=True)
    barrel = data["is_eb"] > 0
    cuts = all_cuts(data)
    panels = (
        (data["gen_pt"], evaluation["pt_edges_gev"], barrel, "Generated $p_T$ [GeV]", "EB"),
        (data["gen_pt"], evaluation["pt_edges_gev"], ~barrel, "Generated $p_T$ [GeV]", "EE"),
        (np.abs(data["gen_eta"]), evaluation["eta_edges"], np.ones_like(barrel), "Generated |η|", ""),
    )
    for axes, (values, edges, own, text, region) in zip(grid, panels, strict=True):
        place = np.where(own, group_of(values, np.asarray(edges)), -1)
        n = len(edges) - 1
        total = np.bincount(place[place >= 0], minlength=n)
        centre = 0.5 * (np.asarray(edges[1:]) + np.asarray(edges[:-1]))
        for which, (name, kept) in enumerate(cuts.items()):
            share = ratio(np.bincount(place[(place >= 0) & kept], minlength=n), total)
            error = np.sqrt(share * (1 - share) / np.maximum(total, 1))
            axes.errorbar(
                centre, 100 * share, yerr=100 * error, color=COLOURS[which], marker=MARKERS[which], linewidth=0.8,
                markersize=3.5, label=name,
            )  # fmt: skip
        axes.set_ylim(0, 103)
        axes.set_xlabel(text)
        axes.set_title(region, loc="right", fontsize=10.5, pad=5)
    grid[0].set_ylabel("Kept [%]")
    label(grid[0], data_label(inputs, inputs.samples_with_role("train")[0]))
    handles, texts = grid[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=3, fontsize=9)
    caption = "Each cut alone, on candidates with an energy of the train sample; binomial errors."
    return Figure("cut_efficiency", title, caption, figure)
