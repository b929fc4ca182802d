"""Tables of the data: what each quality cut removes, and what was published of other data."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hitforge.published import load_published
from hitforge.reporting.chapter import Cell, Measured, ReportInputs, Table, column, make_table, text_column
from hitforge.reporting.metrics import cell, metrics_of
from hitforge.reporting.numbers import fixed
from hitforge.studies.scouting_egamma.evaluation.metrics import PUBLISHED_ETA_EDGES, PUBLISHED_PT_MIN_GEV
from hitforge.studies.scouting_egamma.report import view


def quality_cuts(inputs: ReportInputs) -> Table:
    """Share of candidates that each cut keeps, by category."""
    data = view.load_candidates(inputs)
    cuts = view.all_cuts(data) if data else {}
    removed = load_published(inputs.study).find("removed")
    return make_table(
        "quality_cuts",
        "What the cuts keep",
        "Share of the train sample's candidates with an energy that each cut alone keeps, with binomial errors. Cuts "
        "that look at the truth cannot be applied to data; they are here for comparison.",
        (
            text_column("cut", "Cut", _plain_words, wide=True),
            *view.by_category(lambda name, c: view.binomial(cuts[name][data["category"] == c])),
        ),
        cuts,
        notes=()
        if removed is None
        else (
            f"The slides remove {removed.printed} % in EE with their cuts on dead channels and dE, on another sample.",
        ),
        empty=view.NO_CANDIDATES,
    )


def _plain_words(name: str) -> str:
    return name.replace("$E_{reco}$", "E_reco").replace("$E_{MC}$", "E_MC")


def published(inputs: ReportInputs) -> Table:
    """Printed numbers and what they are on the data of this report."""
    known = load_published(inputs.study)
    data = view.load_candidates(inputs)
    here = _of_the_data(inputs, data) if data else {}
    rows = [(r.text, r.printed, here[r.quantity], r.source) for r in known.results if r.quantity in here]
    width = metrics_of(inputs).get(inputs.reference, {}).get("published_width")
    printed = [result for result in known.results if result.quantity == "width"]
    for k, (result, (low, high)) in enumerate(zip(printed, pairwise(PUBLISHED_ETA_EDGES), strict=True)):
        text = (
            f"resolution for |η| {low:g}–{high:g}, in %; here σ_eff of {inputs.reference}, "
            f"pT > {PUBLISHED_PT_MIN_GEV:g} GeV"
        )
        rows.append((text, result.printed, cell(width, k, scale=100.0), result.source))
    return make_table(
        "published",
        "Published numbers",
        "They are for CMS simulation and data, other samples with other definitions: they show the scale and are no "
        "comparison. The generator's constants were chosen by hand to give the first three.",
        (
            text_column("quantity", "Quantity", lambda row: row[0], wide=True),
            column("published", "Published", lambda row: row[1]),
            column("here", "Here", lambda row: row[2]),
            text_column("source", "Source", lambda row: known.sources[row[3]]),
        ),
        rows,
        notes=(
            known.blocks["remark"],
            f"{fixed(100 * view.share_without_energy(inputs, inputs.train_sample), 2)} % of the candidates here are "
            "without energy; the slides do not print their share.",
        ),
        empty=view.NO_CANDIDATES,
    )


def _of_the_data(inputs: ReportInputs, data: view.Candidates) -> Mapping[str, Cell]:
    """Return what the slides print, of the train sample, by the names of published.yaml."""
    barrel, de = data["is_eb"] > 0, 1 / data["y"] - 1
    iphi = data["iphi"][barrel].astype(np.int64)
    medians = np.array([np.median(de[barrel][iphi == k]) if (iphi == k).any() else 0.0 for k in range(1, 361)])
    low = medians < -0.05
    lost = view.share_without_energy(inputs, inputs.train_sample) > 0
    return {
        "peak": _mode(de, -0.1, 0.1),
        "shoulder": _mode(de[barrel], -0.35, -0.1),
        # E_reco = 0
        "without_energy": Measured(value=-1.0, decimals=1) if lost else Measured(value=None, reason="none is without"),
        "fringes": int(np.sum(low & ~np.roll(low, 1))),
        "removed": view.binomial(~view.all_cuts(data)[view.SLIDES_CUTS][~barrel]),
    }


def _mode(values: NDArray[np.floating], low: float, high: float, step: float = 0.01) -> Measured:
    """Return the middle of the fullest bin."""
    edges = np.arange(low, high + step / 2, step)
    counts = np.histogram(values, edges)[0]
    place = int(counts.argmax())
    return Measured(value=float(edges[place] + step / 2), decimals=3)
