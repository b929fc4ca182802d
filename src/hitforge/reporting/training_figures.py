"""Figures of the training: losses, learning rate and momentum, importances, hyper-parameter search."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatterMathtext, MaxNLocator, NullFormatter, NullLocator

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.history import History, trained_histories
from hitforge.reporting.model_looks import colour_of
from hitforge.reporting.plotting import FINE_STEPS, few_log_ticks, legend_below, nothing, panels_for
from hitforge.reporting.style import COLOURS, INK, new_figure

MOST_FEATURES = 15
"""With a bar of their own."""


def loss_history(inputs: ReportInputs, loss: str, note: str = "") -> Figure:
    """Training and monitoring loss of every member, one panel for each model; ``loss`` is its label with the unit."""
    models = trained_histories(inputs)
    if not models:
        return nothing("loss_history", "Losses", "no training history was found beside the models' manifests")
    figure, panels = panels_for(models, 3, (4.3, 3.3), (0.0, 0.5), alone=6.0)
    for axes, (model, histories) in zip(panels.flat, models.items(), strict=False):
        for history in histories:
            _losses(axes, history)
        trees = histories[0].kind == "trees"
        axes.set_title(model, loc="left", fontweight="bold")
        axes.set_xlabel("Boosting round" if trees else "Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        # the logarithm of a likelihood can be negative
        if min(loss for h in histories for loss in (*h.train, *h.monitor) if loss is not None) > 0:
            axes.set_yscale("log")
            _sparse_log_ticks(axes)
    for row in panels:
        row[0].set_ylabel(loss)
    parts = {histories[0].kind: len(histories) for histories in models.values() if len(histories) > 1}
    most = max(parts.values(), default=0)
    word = "/".join({"trees": "booster", "network": "member"}[kind] for kind in sorted(parts))
    keys = [
        Line2D([], [], color=INK, linestyle="--", linewidth=1.1, label="training"),
        Line2D([], [], color=INK, label="monitoring fold"),
        Line2D([], [], color=INK, marker="o", linestyle="none", label="kept"),
    ]
    keys += [Line2D([], [], color=COLOURS[k % len(COLOURS)], linewidth=3, label=f"{word} {k}") for k in range(most)]
    figure.legend(handles=keys, loc="outside lower center", ncols=min(len(keys), 4 if panels.shape[1] < 3 else 8))
    return Figure(
        "loss_history",
        "Losses",
        "Loss on the training events (dashed) and on the monitoring fold (solid) that decides which epoch is kept "
        f"(dot); members of an ensemble have a monitoring fold each, boosters of a model share theirs. {note}".rstrip(),
        figure,
    )


def _losses(axes: Axes, history: History) -> None:
    colour = COLOURS[history.member % len(COLOURS)]
    axes.plot(history.step, _floats(history.train), color=colour, linestyle="--", linewidth=1.1)
    axes.plot(history.step, _floats(history.monitor), color=colour)
    if history.best is not None and history.best_loss is not None:
        axes.plot(history.best, history.best_loss, color=colour, marker="o", markersize=5.5, zorder=4)


def _names(models: Sequence[str], shown: int = 3) -> str:
    more = len(models) - shown
    return ", ".join(models[:shown]) + (f" and {more} more" if more > 0 else "")


def _floats(values: Sequence[float | None]) -> list[float]:
    return [np.nan if value is None else value for value in values]


def _sparse_log_ticks(axes: Axes) -> None:
    """Label 1, 2, 5 of a decade where the losses span less than two, otherwise the decades."""
    low, high = axes.get_ylim()
    if high / low < 100.0:
        few_log_ticks(axes.yaxis, FINE_STEPS if high / low < 10 else (1.0, 2.0, 5.0))
    else:
        axes.yaxis.set_major_formatter(LogFormatterMathtext())
    axes.yaxis.set_minor_formatter(NullFormatter())


def learning_rate(inputs: ReportInputs) -> Figure:
    """Learning rate and momentum of every network member."""
    # most models share a schedule: equal traces are one line with all their names
    traces: dict[tuple[tuple[float | None, ...], ...], list[str]] = {}
    for model, histories in trained_histories(inputs).items():
        for history in (history for history in histories if any(rate is not None for rate in history.lr)):
            names = traces.setdefault((tuple(history.step), tuple(history.lr), tuple(history.beta1)), [])
            names += [model] * (model not in names)
    if not traces:
        return nothing("learning_rate", "Learning rate and momentum", "no network was trained")
    named: set[tuple[str, ...]] = set()
    figure = new_figure(10.4, 3.7)
    rate, momentum = figure.subplots(1, 2)
    for (step, lr, beta1), names in traces.items():
        colour = colour_of(inputs, names[0])
        text = None if tuple(names) in named else _names(names)
        named.add(tuple(names))
        rate.plot(step, _floats(lr), color=colour, label=text)
        momentum.plot(step, _floats(beta1), color=colour)
    rate.set_yscale("log")
    rate.set_ylabel("Learning rate")
    momentum.set_ylabel("β₁ of Adam")
    for axes in (rate, momentum):
        axes.set_xlabel("Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.margins(x=0.02)
    legend_below(figure, rate, 3)
    return Figure(
        "learning_rate",
        "Learning rate and momentum",
        "Values at the last batch of each epoch; equal traces are one line: one cosine cycle, then halving from the "
        "best epoch's values when the monitoring loss stalls.",
        figure,
    )


def importances(inputs: ReportInputs, meaning_of: Callable[[str], str] = str) -> Figure:
    """Importances of the leading features of the tree models, and what all others have together.

    ``meaning_of`` returns the words for a feature's name.
    """
    models = {
        model: manifest["importances"] for model, manifest in inputs.manifest_of.items() if manifest.get("importances")
    }
    if not models:
        return nothing("importances", "Importance of features", "no tree model is among the reported models")
    shares = {model: _gain_shares(rows) for model, rows in models.items()}
    total = {name: sum(share.get(name, 0.0) for share in shares.values()) for each in shares.values() for name in each}
    ranked = sorted(total, key=lambda name: (-total[name], name))
    features, others = ranked[:MOST_FEATURES], ranked[MOST_FEATURES:]
    titles = [textwrap.fill(meaning_of(name), 44) for name in features]
    values = {model: [share.get(name, 0.0) for name in features] for model, share in shares.items()}
    if others:
        titles.append(f"the other {len(others)} together")
        values = {model: [*own, 100.0 - sum(own)] for model, own in values.items()}
    height = 0.8 / len(models)
    figure = new_figure(8.6, 1.3 + (0.2 + 0.13 * len(models)) * len(titles))
    axes = figure.subplots()
    for index, (model, own) in enumerate(values.items()):
        position = np.arange(len(titles)) + (index - 0.5 * (len(models) - 1)) * height
        axes.barh(position, own, height=height, color=colour_of(inputs, model), label=model)
    axes.set_yticks(np.arange(len(titles)), titles, fontsize=9)
    axes.set_ylim(len(titles) - 0.4, -0.6)
    axes.tick_params(axis="y", which="both", length=0)
    axes.set_xlabel("Share of the total gain [%]")
    axes.legend(loc="lower right")
    return Figure(
        "importances",
        "Importance of features",
        "Share of each feature in the summed loss reduction of all splits (mean gain times number of splits). "
        "Correlated features share their importance in no particular way.",
        figure,
    )


def _gain_shares(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the share of each feature in the total gain, in percent."""
    total = sum(row["gain"] * row["weight"] for row in rows) or 1.0
    return {row["feature"]: 100.0 * row["gain"] * row["weight"] / total for row in rows}


def tuning_history(inputs: ReportInputs, loss: str) -> Figure:
    """Scores of the trials of each hyper-parameter search, a panel for each; ``loss`` is their label with the unit."""
    models = {model: manifest["trials"] for model, manifest in inputs.manifest_of.items() if manifest.get("trials")}
    if not models:
        return nothing("tuning_history", "Trials of the search", "no tuned model is among the reported models")
    # losses of different models are different quantities: no common axis
    figure, panels = panels_for(models, 3, (4.6, 3.4), (0.0, 0.4), alone=6.4)
    for axes, (model, trials) in zip(panels.flat, models.items(), strict=False):
        number = [trial["number"] + 1 for trial in trials]
        score = np.array([np.nan if trial["score"] is None else trial["score"] for trial in trials], dtype=np.float64)
        axes.plot(number, score, color=colour_of(inputs, model), marker="o", linestyle="none", label="a trial")
        axes.step(number, np.fmin.accumulate(score), where="post", color=INK, linewidth=1.3, label="best so far")
        axes.set_title(model, loc="left", fontweight="bold")
        axes.set_xlabel("Trial")
        axes.set_ylabel(loss)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.xaxis.set_minor_locator(NullLocator())
    legend_below(figure, panels[0, 0])
    return Figure(
        "tuning_history",
        "Trials of the search",
        "Loss on events that neither train nor stop a trial, and the best so far. Trials that were ended early, for "
        "their loss was above the median of those before, have no point.",
        figure,
    )
