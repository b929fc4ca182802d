"""Figures of the tree models: what their search found, and what they lose when a feature is shuffled."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.ticker import FormatStrFormatter

from hitforge.reporting import training_figures
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.model_looks import colour_of
from hitforge.reporting.plotting import few_log_ticks, legend_below, nothing, shades
from hitforge.reporting.style import new_figure
from hitforge.studies.scouting_egamma.report.meanings import meaning_of

N_SHOWN: Final = 15


def tuning_parameters(inputs: ReportInputs) -> Figure:
    """Scores of the trials against each hyper-parameter, with the share of the variance that it explains."""
    models = {model: m["trials"] for model, m in inputs.manifest_of.items() if m.get("trials")}
    if not models:
        reason = "no tuned model is among the reported models"
        return nothing("tuning_parameters", "Hyper-parameters", reason)
    names = sorted({name for trials in models.values() for trial in trials for name in trial["params"]})
    figure = new_figure(12.6, 1.0 + 2.6 * -(-len(names) // 4))
    grid = figure.subplots(-(-len(names) // 4), 4, squeeze=False)
    shares = {model: inputs.explain_of.get(model, {}).get("tuning", {}) for model in models}
    for axes, name in zip(grid.flat, names, strict=False):
        for model, trials in models.items():
            known = [t for t in trials if t["score"] is not None and name in t["params"]]
            best = min((t["score"] for t in known), default=np.nan)
            share = shares[model].get(name)
            axes.plot(
                [t["params"][name] for t in known], [t["score"] / best for t in known], "o", markersize=3.5,
                color=colour_of(inputs, model), label=model if share is None else f"{model}: {100 * share:.0f} %",
            )  # fmt: skip
        if name not in ("max_depth", "subsample", "colsample", "gamma"):
            axes.set_xscale("log")
            low, high = axes.get_xlim()
            few_log_ticks(axes.xaxis, (1.0,) if high > 50 * low else (1.0, 2.0, 5.0), FormatStrFormatter("%g"))
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.set_xlabel("learning rate (eta)" if name == "eta" else name)
        if any(name in known for known in shares.values()):
            axes.legend(fontsize=8.5)
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel("Score / best")
    if not any(shares.values()):
        legend_below(figure, grid[0, 0])
    caption = (
        "Trials of the first booster, that of electrons in EB; percentages are the importance of the parameter for the "
        "score (PED-ANOVA, arXiv:2304.10255), with few trials a rough guess and with fewer than ten not given."
    )
    return Figure("tuning_parameters", "Hyper-parameters", caption, figure)


def permutation(inputs: ReportInputs) -> Figure:
    """Growth of the mean absolute error of ln y when one feature is shuffled among the candidates of a category."""
    title = "What shuffling a feature costs"
    found = {model: about["permutation"] for model, about in inputs.explain_of.items() if "permutation" in about}
    if not found:
        return nothing("permutation", title, "no tree model, or no shard of a test sample")
    model = inputs.reference if inputs.reference in found else list(found)[-1]
    growth = {name: np.array(values, dtype=np.float64) for name, values in found[model]["growth"].items()}
    names = found[model]["features"]
    order = np.argsort(-np.nanmax(np.stack(list(growth.values())), axis=0))[:N_SHOWN]
    figure = new_figure(8.4, 1.2 + 0.36 * len(order))
    axes = figure.subplots()
    height = 0.8 / len(growth)
    colours = shades(len(growth))
    for c, (category, values) in enumerate(growth.items()):
        place = np.arange(len(order)) + (c - 1.5) * height
        axes.barh(place, 100 * np.nan_to_num(values[order]), height=height, color=colours[c], label=category)
    axes.set_yticks(np.arange(len(order)), [meaning_of(names[i]) for i in order], fontsize=9.5)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlim(left=min(0.0, *(100 * float(np.nanmin(values)) for values in growth.values())))
    axes.tick_params(axis="y", which="both", length=0)
    axes.set_xlabel("Growth of the mean |ln($E_{corrected}$ / $E_{MC}$)| [%]")
    axes.legend(loc="lower right")
    caption = (
        f"Features of {model}, the {len(order)} that matter most; up to {found[model]['most']} candidates of "
        f"{found[model]['sample']} in each category. A feature that others can replace costs little."
    )
    return Figure("permutation", title, caption, figure)


def importances(inputs: ReportInputs) -> Figure:
    """Importances of the leading features of the tree models, called by their meaning."""
    return training_figures.importances(inputs, meaning_of)
