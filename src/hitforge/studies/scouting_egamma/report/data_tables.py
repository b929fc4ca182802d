"""Tables of the data: what each quality cut removes."""

from __future__ import annotations

import numpy as np

from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.report.view import all_cuts, load_candidates


def quality_cuts(inputs: ReportInputs) -> Table:
    """Share of candidates that each cut keeps, by category."""
    data = load_candidates(inputs)
    rows: list[tuple[Cell, ...]] = []
    if data:
        cuts = all_cuts(data)
        for name, kept in cuts.items():
            cells = []
            for c in range(len(CATEGORIES)):
                own = data["category"] == c
                share, n = float(np.mean(kept[own])) if own.any() else np.nan, int(own.sum())
                cells.append(
                    Measured(value=100 * share, error=100 * float(np.sqrt(share * (1 - share) / n)))
                    if n
                    else Measured(value=None, reason="no candidates")
                )
            rows.append((name.replace("$E_{reco}$", "E_reco").replace("$E_{MC}$", "E_MC"), *cells))
    return Table(
        name="quality_cuts",
        title="What the cuts keep",
        caption=(
            "Share of the train sample's candidates with an energy that each cut alone keeps, with binomial errors. "
            "Cuts that look at the truth cannot be applied to data; they are here for comparison."
        ),
        columns=(
            Column(key="cut", label="Cut", align="left", wide=True),
            *(Column(key=name.lower().replace(" ", "_"), label=name, unit="%") for name in CATEGORIES),
        ),
        rows=tuple(rows),
        notes=("The slides remove 8.0 % in EE with their cuts on dead channels and dE, on another sample.",),
        empty=None if rows else "the shards of the train sample hold no candidates",
    )
