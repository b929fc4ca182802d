"""Tables of the results: widths and scales of all models, the aims, differences, what was tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from hitforge.published import load_published
from hitforge.reporting.aims import AIM, AimRow, aim_row, aim_table
from hitforge.reporting.chapter import (
    MODEL,
    Measured,
    ReportInputs,
    Table,
    columns_by,
    make_table,
    text_column,
)
from hitforge.reporting.difference_table import differences as table_of_differences
from hitforge.reporting.metrics import cell, metrics_of
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.response import SELECTIONS
from hitforge.studies.scouting_egamma.report.view import SELECTION_TITLES, by_category, off_one, percent, sample_text


def headline(inputs: ReportInputs) -> Table:
    """Width and scale of every model in the four categories, all candidates."""
    return make_table(
        "headline",
        "Energy resolution",
        "σ_eff / median of E_corrected / E_MC (half the smallest interval with 68.3 %) and the median's distance to 1, "
        f"without any cut ({sample_text(inputs)}). Bootstrap errors.",
        (
            MODEL,
            *by_category(lambda model, c: percent(inputs, model, "width", c), "width_", "{} σ_eff"),
            *by_category(lambda model, c: percent(inputs, model, "median", c), "median_", "{} median − 1"),
        ),
        metrics_of(inputs),
        empty="no model was evaluated",
        highlight=lambda model: bool(model == inputs.reference),
    )


def aims(inputs: ReportInputs) -> Table:
    """Which aims are met; one within two errors of its limit is neither met nor missed."""
    return aim_table(
        measured_aims(inputs),
        "Measured minus limit, for all candidates; an aim is open within {sigmas} bootstrap errors of its limit. "
        "Differences of widths are paired.",
        (AIM, text_column("category", "Category", lambda row: row.where["category"])),
        unit="%",
    )


def measured_aims(inputs: ReportInputs) -> Iterator[AimRow]:
    """Yield each aim for each category."""
    for aim in load_published(inputs.study).aims:
        for c, name in enumerate(CATEGORIES):
            yield aim_row(inputs, aim, partial(_aimed_numbers, c), {"category": name})


def _aimed_numbers(category: int, inputs: ReportInputs, model: str) -> dict[str, Measured]:
    """Return the scale in percent of 1, and that of the worst bin of pT above the least, of a model that was run."""
    metrics, evaluation = metrics_of(inputs).get(model), inputs.settings["evaluation"]
    if metrics is None:
        return {}
    lowest = evaluation["pt_edges_gev"][:-1]
    bins = [k for k, low in enumerate(lowest) if low >= evaluation["linearity_pt_min_gev"]]
    scales = [off_one(cell(metrics["response_pt"]["median"], category, k, scale=100.0)) for k in bins]
    absent = Measured(value=None, reason="there is no bin of pT above the least one")
    worst = max(scales, key=lambda scale: -np.inf if scale.value is None else abs(scale.value), default=absent)
    return {"median": percent(inputs, model, "median", category), "linearity": worst}


def differences(inputs: ReportInputs) -> Table:
    """Paired differences of the width to the reference model."""
    selections = {
        SELECTION_TITLES[name]: {} if name == "all" else {"selection": name} for name in ("all", "good", "low_pt")
    }
    return table_of_differences(
        inputs,
        {"width": ("σ_eff / median", "%")},
        across={name: {"category": name} for name in CATEGORIES},
        down=("Candidates", selections),
        models=list(metrics_of(inputs)),
        note="Positive is worse.",
    )


def choices(inputs: ReportInputs) -> Table:
    """Losses, inputs and training cuts of all models, with their widths."""
    what = {model: _what(inputs.settings["models"][model]) for model in metrics_of(inputs)}
    titles = {"loss": ("Loss", ""), "table": ("Features", ""), "image": ("Image", ""), "cuts": ("Training cuts", "")}
    return make_table(
        "choices",
        "Losses and inputs",
        "What each model learns from, and its σ_eff / median, for all candidates and at low pT.",
        (
            MODEL,
            *columns_by(titles, lambda model, key: what[model].get(key, ""), align="left"),
            *by_category(
                lambda model, c: percent(inputs, model, "width", c), "all_", f"{{}}, {SELECTION_TITLES['all']}"
            ),
            *by_category(
                lambda model, c: percent(inputs, model, "width", c, "low_pt"),
                "low_pt_",
                f"{{}}, {SELECTION_TITLES['low_pt']}",
            ),
        ),
        metrics_of(inputs),
    )


def _what(about: Mapping[str, Any]) -> dict[str, str]:
    """Return loss, feature set, image and training cuts of a model."""
    if about["kind"] == "trees":
        return {"loss": about["trees"]["objective"], "table": about["features"], "cuts": about["trees"]["cuts"]}
    if about["kind"] == "network":
        network = about["network"]
        image = network["image"].replace("off", "")
        return {"loss": network["loss"], "table": about["features"], "image": image, "cuts": "none"}
    return {}


def selections(inputs: ReportInputs) -> Table:
    """Width with and without cuts: where the candidates lie, what they pass, low momentum."""
    low, high = inputs.settings["evaluation"]["low_pt_gev"]
    titles = {**SELECTION_TITLES, "low_pt": f"pT {low:g}–{high:g} GeV"}
    return make_table(
        "selections",
        "With and without cuts",
        "σ_eff / median. Good: more than a crystal from the barrel's gaps, or 1.566 < |η| < 2.4 and off the rims, "
        "without a dead channel in the 5 × 5. None of the cuts looks at the truth.",
        (
            text_column("candidates", "Candidates", lambda row: titles[row[0]]),
            text_column("model", "Model", lambda row: row[1]),
            *by_category(lambda row, c: percent(inputs, row[1], "width", c, row[0]), "width_", "{} σ_eff"),
            *by_category(
                lambda row, c: metrics_of(inputs)[row[1]]["n"][SELECTIONS.index(row[0])][c], "n_", "{}, number", ""
            ),
        ),
        [(selection, model) for selection in SELECTIONS for model in metrics_of(inputs)],
    )


def tails(inputs: ReportInputs) -> Table:
    """Core and tails of the response."""
    titles = {"riqr": "rIQR", "core": "core width", "outside10": "beyond ±10 %", "outside20": "beyond ±20 %"}
    return make_table(
        "tails",
        "Core and tails",
        "All candidates. rIQR is (q75 − q25)/1.349/median; the core's width is the fixed point of the standard "
        "deviation within two widths, over the median; shares of candidates more than 10 % and 20 % off.",
        (
            text_column("quantity", "Quantity", lambda row: titles[row[0]]),
            text_column("model", "Model", lambda row: row[1]),
            *by_category(lambda row, c: percent(inputs, row[1], row[0], c), "value_"),
        ),
        [(key, model) for key in titles for model in metrics_of(inputs)],
    )
