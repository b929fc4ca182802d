"""Figures of the tree models: what their search found, and what they lose when a feature is shuffled."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import optuna
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from hitforge.bdt import load_trees, predict_trees
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.plotting import nothing
from hitforge.reporting.style import COLOURS, new_figure
from hitforge.seeds import child_generator
from hitforge.shards import Shard
from hitforge.studies.base import load_study
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.models.trees import categories
from hitforge.studies.scouting_egamma.report.view import colour_of

MAX_SHUFFLED: Final = 1500
"""Candidates of a category; more would not change the order."""
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
    shares = {model: _importances(trials) for model, trials in models.items()}
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
            axes.xaxis.set_minor_formatter(NullFormatter())
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.set_xlabel(name)
        axes.legend(fontsize=8.5)
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel("Score / best")
    caption = (
        "Trials of the first booster, that of electrons in EB; percentages are the importance of the parameter for the "
        "score (PED-ANOVA, arXiv:2304.10255), with few trials a rough guess and with fewer than ten not given."
    )
    return Figure("tuning_parameters", "Hyper-parameters", caption, figure)


def _importances(trials: list[dict[str, Any]]) -> dict[str, float]:
    """Return the share of each parameter, nothing with fewer than ten scored trials."""
    known = [trial for trial in trials if trial["score"] is not None]
    if len(known) < 10:
        return {}
    # the study below has no name and no file; its log line would say nothing
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    ranges = {
        name: (min(values), max(values))
        for name in known[0]["params"]
        for values in ([float(trial["params"][name]) for trial in known],)
    }
    spaces = {
        name: optuna.distributions.FloatDistribution(low, high) for name, (low, high) in ranges.items() if low < high
    }
    for trial in known:
        values = {name: float(trial["params"][name]) for name in spaces}
        study.add_trial(
            optuna.trial.create_trial(
                params=values, distributions=dict(spaces), value=trial["score"]
            )
        )  # fmt: skip
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    found: dict[str, float] = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return found


def permutation(inputs: ReportInputs) -> Figure:
    """Growth of the mean absolute error of ln y when one feature is shuffled among the candidates of a category."""
    title = "What shuffling a feature costs"
    trees = [model for model, manifest in inputs.manifest_of.items() if manifest["kind"] == "trees"]
    samples = inputs.samples_with_role("test")
    if not trees or not inputs.shards.get(samples[0]):
        return nothing("permutation", title, "no tree model, or no shard of a test sample")
    model = inputs.reference if inputs.reference in trees else trees[-1]
    growth = {name: _growth(inputs, model, samples[0], c) for c, name in enumerate(CATEGORIES)}
    names = inputs.manifest_of[model]["features"]
    order = np.argsort(-np.nanmax(np.stack(list(growth.values())), axis=0))[:N_SHOWN]
    figure = new_figure(8.4, 1.2 + 0.36 * len(order))
    axes = figure.subplots()
    height = 0.8 / len(CATEGORIES)
    for c, (category, values) in enumerate(growth.items()):
        place = np.arange(len(order)) + (c - 1.5) * height
        axes.barh(place, 100 * np.nan_to_num(values[order]), height=height, color=COLOURS[c], label=category)
    axes.set_yticks(np.arange(len(order)), [names[i] for i in order], fontsize=9.5)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.tick_params(axis="y", which="both", length=0)
    axes.set_xlabel("Growth of the mean |ln($E_{corrected}$ / $E_{MC}$)| [%]")
    axes.legend(loc="lower right")
    caption = (
        f"Features of {model}, the {len(order)} that matter most; up to {MAX_SHUFFLED} candidates of {samples[0]} "
        "in each "
        "category. A feature that others can replace costs little."
    )
    return Figure("permutation", title, caption, figure)


def _growth(inputs: ReportInputs, model: str, sample: str, category: int) -> NDArray[np.float64]:
    """Return the relative growth of the error for each feature of the model, shape (F,); NaN without candidates."""
    study, manifest = load_study(inputs.study, inputs.settings), inputs.manifest_of[model]
    names = manifest["features"]
    with Shard(inputs.shards[sample][0]) as shard:
        features, target = shard.column("features"), shard.column("targets/y")
    own = np.flatnonzero(categories(features) == category)[:MAX_SHUFFLED]
    if not len(own):
        return np.full(len(names), np.nan)
    features, ln_y = features[own], np.log(target[own])
    booster = load_trees(inputs.manifests[model].parent / manifest["members"][category]["file"])

    def error(table: NDArray[np.float32]) -> float:
        said = predict_trees(booster, table, names)
        y = study.tree_columns(model, [said] * len(CATEGORIES), features)["y"]
        difference = np.log(y) - ln_y
        return float(np.mean(np.abs(difference - np.median(difference))))

    table = study.model_features(model, features)
    whole = error(table)
    result = np.empty(len(names))
    for place in range(len(names)):
        generator = child_generator(0, "permutation", category, place)
        shuffled = table.copy()
        shuffled[:, place] = generator.permutation(table[:, place])
        result[place] = error(shuffled) / whole - 1
    return result
