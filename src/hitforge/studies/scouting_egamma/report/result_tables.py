"""Tables of the results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.reporting.evaluated import SIGMAS, cell, metrics_of, verdict
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.crystal_ball import FIT_RANGE, PARAMETERS
from hitforge.studies.scouting_egamma.evaluation.pair_mass import MASS_RANGE_GEV, PAIRS
from hitforge.studies.scouting_egamma.evaluation.response import SELECTIONS
from hitforge.studies.scouting_egamma.report.view import SELECTION_TITLES, difference, sample_text

_MODEL = Column(key="model", label="Model", align="left")
_ALL = SELECTIONS.index("all")
ORDER = (("hgb", "seed-bdt"), ("seed-bdt", "raw"), ("ens5", "hgb"))
"""Pairs of models of which the first is meant to be at most as wide as the second."""


def _keys(prefix: str, label: str = "{}", unit: str = "%") -> list[Column]:
    return [
        Column(key=f"{prefix}_{name.lower().replace(' ', '_')}", label=label.format(name), unit=unit)
        for name in CATEGORIES
    ]


def _off_one(number: dict[str, Any], *index: int) -> Measured:
    """Return a median minus one in percent."""
    found = cell(number, *index, scale=100.0)
    return found if found.value is None else found.model_copy(update={"value": found.value - 100.0})


def headline(inputs: ReportInputs) -> Table:
    """Width and scale of every model in the four categories, all candidates."""
    rows: list[tuple[Cell, ...]] = []
    for model, metrics in metrics_of(inputs).items():
        response = metrics["response"]
        widths = [cell(response["width"], _ALL, c, scale=100.0) for c in range(len(CATEGORIES))]
        rows.append((model, *widths, *(_off_one(response["median"], _ALL, c) for c in range(len(CATEGORIES)))))
    return Table(
        name="headline",
        title="Energy resolution",
        caption=(
            f"σ_eff / median of E_corrected / E_MC (half the smallest interval with 68.3 %) and the median's distance "
            f"to 1, without any cut ({sample_text(inputs)}). Bootstrap errors."
        ),
        columns=(_MODEL, *_keys("width", "{} σ_eff"), *_keys("median", "{} median − 1")),
        rows=tuple(rows),
        empty=None if rows else "no model was evaluated",
        highlight=(list(inputs.metrics).index(inputs.reference),),
    )


def aims(inputs: ReportInputs) -> Table:
    """Which aims are met; one within two errors of its limit is neither met nor missed."""
    rows = tuple((aim, category, number, verdict(number, -1.0)) for aim, category, number in _aims(inputs))
    return Table(
        name="aims",
        title="Aims",
        caption=(
            f"Measured minus limit, for all candidates; an aim is open within {SIGMAS:g} bootstrap errors of its "
            "limit. Differences of widths are paired."
        ),
        columns=(
            Column(key="aim", label="Aim", align="left", wide=True),
            Column(key="category", label="Category", align="left"),
            Column(key="distance", label="Measured minus limit", unit="%"),
            Column(key="verdict", label="Verdict", align="left"),
        ),
        rows=rows,
    )


def _aims(inputs: ReportInputs) -> Iterator[tuple[str, str, Measured]]:
    for better, worse in ORDER:
        found = difference(inputs, better, worse)
        for c, name in enumerate(CATEGORIES):
            number = cell(found, _ALL, c, scale=100.0, absent=f"{better} and {worse} were not both run")
            yield f"σ_eff of {better} at most that of {worse}", name, number
    metrics = metrics_of(inputs).get(inputs.reference)
    for c, name in enumerate(CATEGORIES):
        off = Measured(value=None, reason="the reference model was not evaluated")
        if metrics is not None:
            off = _off_one(metrics["response"]["median"], _ALL, c)
        yield f"median of {inputs.reference} within 0.3 % of 1", name, _beyond(off, 0.3)
    evaluation = inputs.settings["evaluation"]
    edges, least = evaluation["pt_edges_gev"], evaluation["linearity_pt_min_gev"]
    bins = [k for k, low in enumerate(edges[:-1]) if low >= least]
    for c, name in enumerate(CATEGORIES):
        if metrics is not None and bins:
            distances = [_beyond(_off_one(metrics["response_pt"]["median"], c, k), 0.5) for k in bins]
            worst = max(distances, key=lambda number: -np.inf if number.value is None else number.value)
            yield f"median of {inputs.reference} within 0.5 % of 1 in every pT bin above {least:g} GeV", name, worst


def _beyond(off: Measured, limit: float) -> Measured:
    """Return how far a distance is beyond its limit, either way."""
    return off if off.value is None else off.model_copy(update={"value": abs(off.value) - limit})


def differences(inputs: ReportInputs) -> Table:
    """Paired differences of the width to the reference model."""
    rows: list[tuple[Cell, ...]] = []
    for model in metrics_of(inputs):
        found = difference(inputs, model, inputs.reference)
        if found is not None:
            for name in ("all", "good", "low_pt"):
                place = SELECTIONS.index(name)
                cells = (cell(found, place, c, scale=100.0) for c in range(len(CATEGORIES)))
                rows.append((model, SELECTION_TITLES[name], *cells))
    return Table(
        name="differences",
        title=f"Difference to {inputs.reference}",
        caption=f"σ_eff / median minus that of {inputs.reference} on the same bootstrap draws; positive is worse.",
        columns=(_MODEL, Column(key="candidates", label="Candidates", align="left"), *_keys("difference")),
        rows=tuple(rows),
        empty=None if rows else "only one model was run",
    )


def selections(inputs: ReportInputs) -> Table:
    """Width with and without cuts: where the candidates lie, what they pass, low momentum."""
    low, high = inputs.settings["evaluation"]["low_pt_gev"]
    rows: list[tuple[Cell, ...]] = []
    for place, name in enumerate(SELECTIONS):
        title = f"pT {low:g}–{high:g} GeV" if name == "low_pt" else SELECTION_TITLES[name]
        for model, metrics in metrics_of(inputs).items():
            widths = [cell(metrics["response"]["width"], place, c, scale=100.0) for c in range(len(CATEGORIES))]
            rows.append((title, model, *widths, *metrics["n"][place]))
    return Table(
        name="selections",
        title="With and without cuts",
        caption=(
            "σ_eff / median. Good: more than a crystal from the barrel's gaps, or 1.566 < |η| < 2.4 and off the rims, "
            "without a dead channel in the 5 × 5. None of the cuts looks at the truth."
        ),
        columns=(
            Column(key="candidates", label="Candidates", align="left"),
            _MODEL,
            *_keys("width", "{} σ_eff"),
            *_keys("n", "{}, number", ""),
        ),
        rows=tuple(rows),
    )


_TAILS = {"riqr": "rIQR", "core": "core width", "outside10": "beyond ±10 %", "outside20": "beyond ±20 %"}


def tails(inputs: ReportInputs) -> Table:
    """Core and tails of the response."""
    rows: list[tuple[Cell, ...]] = []
    for key, label in _TAILS.items():
        for model, metrics in metrics_of(inputs).items():
            numbers = (cell(metrics["response"][key], _ALL, c, scale=100.0) for c in range(len(CATEGORIES)))
            rows.append((label, model, *numbers))
    return Table(
        name="tails",
        title="Core and tails",
        caption=(
            "All candidates. rIQR is (q75 − q25)/1.349/median; the core's width is the fixed point of the standard "
            "deviation within two widths, over the median; shares of candidates more than 10 % and 20 % off."
        ),
        columns=(Column(key="quantity", label="Quantity", align="left"), _MODEL, *_keys("value")),
        rows=tuple(rows),
    )


def crystal_ball(inputs: ReportInputs) -> Table:
    """Parameters of the double-sided Crystal Ball fitted to the response."""
    rows: list[tuple[Cell, ...]] = []
    for model, metrics in metrics_of(inputs).items():
        for category, fit in metrics["crystal_ball"].items():
            rows.append((model, category, *(Measured.of(fit[name]) for name in PARAMETERS), fit["n"]))
    labels = ("µ", "σ", "α low", "n low", "α high", "n high")
    return Table(
        name="crystal_ball",
        title="Double-sided Crystal Ball",
        caption=(
            f"Maximum-likelihood fits of E_corrected / E_MC between {FIT_RANGE[0]:g} and {FIT_RANGE[1]:g}, all "
            "candidates; errors from the curvature of the likelihood, none where a parameter is at its bound."
        ),
        columns=(
            _MODEL,
            Column(key="category", label="Category", align="left"),
            *(Column(key=key, label=label) for key, label in zip(PARAMETERS, labels, strict=True)),
            Column(key="n", label="Candidates"),
        ),
        rows=tuple(rows),
    )


def pair_mass(inputs: ReportInputs) -> Table:
    """Peak and width of the mass of electron pairs."""
    rows: list[tuple[Cell, ...]] = []
    for model, metrics in metrics_of(inputs).items():
        for p, pair in enumerate(PAIRS):
            found = metrics["pair_mass"]
            rows.append((model, pair, cell(found["median"], p), cell(found["sigma_eff"], p)))
    return Table(
        name="pair_mass",
        title="Peak and width of the pair mass",
        caption=(
            "m = m_Z √(r₁ r₂) with a Breit–Wigner mass and the responses r of two electrons of the sample, within "
            f"{MASS_RANGE_GEV[0]:g}–{MASS_RANGE_GEV[1]:g} GeV. The spectrum is that of the sample, flat in pT, and "
            "angles are exact: this is no simulation of Z decays."
        ),
        columns=(
            _MODEL,
            Column(key="pair", label="Electrons", align="left"),
            Column(key="median", label="Median", unit="GeV"),
            Column(key="sigma_eff", label="σ_eff", unit="GeV"),
        ),
        rows=tuple(rows),
    )
