"""Tables of widths and of what was tried: fits in energy, pulls, quantiles, losses, inputs, dead channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.reporting.evaluated import cell, metrics_of
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.data.selection import REGIONS, region_of
from hitforge.studies.scouting_egamma.evaluation.response import SELECTIONS
from hitforge.studies.scouting_egamma.evaluation.widths import PARAMETERS
from hitforge.studies.scouting_egamma.report.view import SELECTION_TITLES, reference_sample, sample_text

_MODEL = Column(key="model", label="Model", align="left")
_ALL = SELECTIONS.index("all")


def _categories(unit: str) -> list[Column]:
    return [Column(key=name.lower().replace(" ", "_"), label=name, unit=unit) for name in CATEGORIES]


def energy_fit(inputs: ReportInputs) -> Table:
    """Parameters of the resolution's fit in energy."""
    labels = dict(zip(PARAMETERS, ("a [% √GeV]", "b [GeV %]", "c [%]"), strict=True))
    rows: list[tuple[Cell, ...]] = [
        (labels[name], model, *(cell(metrics["energy_fit"][name], c, scale=100.0) for c in range(len(CATEGORIES))))
        for name in PARAMETERS
        for model, metrics in metrics_of(inputs).items()
    ]
    return Table(
        name="energy_fit",
        title="Terms of the resolution",
        caption=(
            f"σ_eff / median = a/√E ⊕ b/E ⊕ c with E in GeV, good candidates ({sample_text(inputs)}); none of the "
            "terms "
            "can be below 0. Bootstrap errors."
        ),
        columns=(Column(key="parameter", label="Parameter", align="left"), _MODEL, *_categories("")),
        rows=tuple(rows),
    )


def widths(inputs: ReportInputs) -> Table:
    """Pulls of the predicted widths, and coverage of the predicted quantiles."""
    rows: list[tuple[Cell, ...]] = []
    for model, metrics in metrics_of(inputs).items():
        if "pulls" not in metrics:
            continue
        scale = inputs.calibration_of[model]["sigma_scale"]
        for key, text, expected in (("width68", "σ_eff of the pull", "1"), ("inside1", "within one σ", "0.683")):
            numbers = (cell(metrics["pulls"][key], c) for c in range(len(CATEGORIES)))
            rows.append((model, text, expected, *numbers))
        rows.append((model, "factor on σ, from held-out candidates", "1", *(Measured(value=value) for value in scale)))
        if "coverage" in metrics:
            for k, level in enumerate(inputs.settings["models"][model]["trees"]["quantiles"]):
                below = (cell(metrics["coverage"]["below"], c, k) for c in range(len(CATEGORIES)))
                rows.append((model, f"below the quantile of {100 * level:g} %", f"{level:g}", *below))
    return Table(
        name="widths",
        title="Predicted widths and quantiles",
        caption=(
            "Pulls are ln(E_corrected / E_MC) over the width, which is scaled on held-out candidates so that "
            "68.3 % lie "
            "within one. Coverage: share of candidates whose true ln(E_MC / E_reco) is at or below the quantile."
        ),
        columns=(
            _MODEL,
            Column(key="quantity", label="Quantity", align="left"),
            Column(key="expected", label="Expected"),
            *_categories(""),
        ),
        rows=tuple(rows),
        empty=None if rows else "no model predicts a width",
    )


def choices(inputs: ReportInputs) -> Table:
    """Losses, inputs and training cuts of all models, with their widths."""
    rows: list[tuple[Cell, ...]] = []
    for model, metrics in metrics_of(inputs).items():
        about = inputs.settings["models"][model]
        width = metrics["response"]["width"]
        numbers = [cell(width, place, c, scale=100.0) for place in _PLACES for c in range(len(CATEGORIES))]
        rows.append((model, *_what(about), *numbers))
    columns = [
        Column(key=f"{name}_{title}".lower().replace(" ", "_"), label=f"{title}, {SELECTION_TITLES[name]}", unit="%")
        for name in ("all", "low_pt")
        for title in CATEGORIES
    ]
    return Table(
        name="choices",
        title="Losses and inputs",
        caption="What each model learns from, and its σ_eff / median, for all candidates and at low pT.",
        columns=(
            _MODEL,
            Column(key="loss", label="Loss", align="left"),
            Column(key="table", label="Features", align="left"),
            Column(key="image", label="Image", align="left"),
            Column(key="cuts", label="Training cuts", align="left"),
            *columns,
        ),
        rows=tuple(rows),
    )


_PLACES = (_ALL, SELECTIONS.index("low_pt"))


def _what(about: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return loss, feature set, image and training cuts of a model."""
    if about["kind"] == "trees":
        trees = about["trees"]
        return trees["objective"], about["features"], "", trees["cuts"]
    if about["kind"] == "network":
        network = about["network"]
        return network["loss"], about["features"], network["image"].replace("off", ""), "none"
    return "", "", "", ""


def dead_map(inputs: ReportInputs) -> Table:
    """Widths of barrel candidates on a sample with another map of dead channels."""
    rows: list[tuple[Cell, ...]] = []
    samples = inputs.settings["samples"]
    others = [name for name in inputs.samples_with_role("test") if samples[name]["spectrum"] == "flat_other_map"]
    same = [name for name in inputs.samples_with_role("test") if name not in others]
    if others and same:
        for model, metrics in inputs.metrics_of.items():
            for selection in ("all", "dead"):
                cells: list[Cell] = []
                for category in ("EB electron", "EB photon"):
                    place = SELECTIONS.index(selection), CATEGORIES.index(category)
                    first, second = (
                        cell(metrics["samples"][name]["response"]["width"], *place, scale=100.0)
                        for name in (same[0], others[0])
                    )
                    cells += [first, second, _minus(second, first)]
                rows.append((model, SELECTION_TITLES[selection], *cells))
    columns = [
        Column(key=f"{category}_{what}", label=f"EB {category}, {text}", unit="%")
        for category in ("electron", "photon")
        for what, text in (("same", "same map"), ("other", "other map"), ("difference", "difference"))
    ]
    return Table(
        name="dead_map",
        title="Another map of dead channels",
        caption=(
            "σ_eff / median on a test sample with the dead channels of the training and on one with others: a "
            "model that "
            "had learnt the place of dead channels would be worse on the latter. The samples are independent."
        ),
        columns=(_MODEL, Column(key="candidates", label="Candidates", align="left"), *columns),
        rows=tuple(rows),
        empty=None if rows else "no test sample has the spectrum flat_other_map",
    )


def _minus(first: Measured, second: Measured) -> Measured:
    """Return the difference of independent numbers."""
    if first.value is None or second.value is None:
        return Measured(value=None, reason=first.reason or second.reason)
    error = None if first.error is None or second.error is None else float(np.hypot(first.error, second.error))
    return Measured(value=first.value - second.value, error=error)


def regions(inputs: ReportInputs) -> Table:
    """Shares of the regions of the response plane, before and after the correction of the reference model."""
    sample = reference_sample(inputs)
    rows: list[tuple[Cell, ...]] = []
    if sample is not None:
        before = 1 / sample.y_true
        low, high = np.quantile(before, [0.25, 0.75])
        robust = (high - low) / 1.349
        for values, when in ((before, "before"), (sample.response, f"after {inputs.reference}")):
            region = region_of(values, sample.observed["e5x5_response"], robust)
            for number, name in enumerate(REGIONS, start=1):
                cells = []
                for c in range(len(CATEGORIES)):
                    own = region[sample.category == c]
                    share = float(np.mean(own == number)) if len(own) else 0.0
                    error = float(np.sqrt(share * (1 - share) / max(len(own), 1)))
                    cells.append(Measured(value=100 * share, error=100 * error))
                rows.append((number, name, when, *cells))
    return Table(
        name="regions",
        title="Regions of the response plane",
        caption=(
            f"Share of candidates with an energy, {sample_text(inputs)}. The core: |dE| within four robust widths "
            "of the "
            "uncorrected response and E_5x5 above 0.6 E_MC. Binomial errors."
        ),
        columns=(
            Column(key="region", label="Region"),
            Column(key="name", label="Meaning", align="left"),
            Column(key="when", label="Energy", align="left"),
            *_categories("%"),
        ),
        rows=tuple(rows),
        empty=None if rows else "there are no predictions of the reference model",
    )
