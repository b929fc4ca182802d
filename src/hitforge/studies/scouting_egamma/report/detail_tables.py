"""Tables of the response in detail: fits, predicted widths, dead channels, pair mass, regions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from hitforge.reporting.chapter import Measured, ReportInputs, Table, column, columns_by, make_table, text_column
from hitforge.reporting.metrics import cell, metrics_of
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.crystal_ball import FIT_RANGE, PARAMETERS
from hitforge.studies.scouting_egamma.evaluation.pair_mass import MASS_RANGE_GEV, PAIRS
from hitforge.studies.scouting_egamma.evaluation.response import REGIONS, SELECTIONS
from hitforge.studies.scouting_egamma.report import view

_OF_ROW = text_column("model", "Model", lambda row: row[0])


def energy_fit(inputs: ReportInputs) -> Table:
    """Parameters of the resolution's fit in energy."""
    titles = {"stochastic": "a [% √GeV]", "noise": "b [GeV %]", "constant": "c [%]"}
    found = {model: metrics["energy_fit"] for model, metrics in metrics_of(inputs).items()}
    return make_table(
        "energy_fit",
        "Terms of the resolution",
        f"σ_eff / median = a/√E ⊕ b/E ⊕ c with E in GeV, good candidates ({view.sample_text(inputs)}); none of the "
        "terms can be below 0. Bootstrap errors.",
        (
            text_column("parameter", "Parameter", lambda row: titles[row[1]]),
            _OF_ROW,
            *view.by_category(lambda row, c: cell(found[row[0]][row[1]], c, scale=100.0), unit=""),
        ),
        [(model, name) for name in titles for model in found],
    )


def crystal_ball(inputs: ReportInputs) -> Table:
    """Parameters of the double-sided Crystal Ball fitted to the response."""
    found = {model: metrics["crystal_ball"] for model, metrics in metrics_of(inputs).items()}
    labels = ("µ", "σ", "α low", "n low", "α high", "n high")
    titles = {key: (label, "") for key, label in zip(PARAMETERS, labels, strict=True)}
    return make_table(
        "crystal_ball",
        "Double-sided Crystal Ball",
        f"Maximum-likelihood fits of E_corrected / E_MC between {FIT_RANGE[0]:g} and {FIT_RANGE[1]:g}, all candidates; "
        "errors from the curvature of the likelihood, none where a parameter is at its bound.",
        (
            _OF_ROW,
            text_column("category", "Category", lambda row: row[1]),
            *columns_by(titles, lambda row, key: Measured.of(found[row[0]][row[1]][key])),
            column("n", "Candidates", lambda row: found[row[0]][row[1]]["n"]),
        ),
        [(model, category) for model in found for category in CATEGORIES],
    )


def widths(inputs: ReportInputs) -> Table:
    """Pulls of the predicted widths, and coverage of the predicted quantiles."""
    rows: list[tuple[str, str, str, list[Measured]]] = []
    for model, metrics in metrics_of(inputs).items():
        if "pulls" not in metrics:
            continue
        scale = inputs.calibration_of[model]["sigma_scale"]
        for key, text, expected in (("width68", "σ_eff of the pull", "1"), ("inside1", "within one σ", "0.683")):
            rows.append((model, text, expected, [cell(metrics["pulls"][key], c) for c in range(len(CATEGORIES))]))
        factors = [Measured(value=value) for value in scale]
        rows.append((model, "factor on σ, from held-out candidates", "1", factors))
        if "coverage" in metrics:
            for k, level in enumerate(inputs.settings["models"][model]["trees"]["quantiles"]):
                below = [cell(metrics["coverage"]["below"], c, k) for c in range(len(CATEGORIES))]
                rows.append((model, f"below the quantile of {100 * level:g} %", f"{level:g}", below))
    return make_table(
        "widths",
        "Predicted widths and quantiles",
        "Pulls are ln(E_corrected / E_MC) over the width, which is scaled on held-out candidates so that 68.3 % lie "
        "within one. Coverage: share of candidates whose true ln(E_MC / E_reco) is at or below the quantile.",
        (
            _OF_ROW,
            text_column("quantity", "Quantity", lambda row: row[1]),
            column("expected", "Expected", lambda row: row[2]),
            *view.by_category(lambda row, c: row[3][c], unit=""),
        ),
        rows,
        empty="no model predicts a width",
    )


def dead_map(inputs: ReportInputs) -> Table:
    """Widths of barrel candidates on a sample with another map of dead channels."""
    samples, tests = inputs.settings["samples"], inputs.samples_with_role("test")
    others = [name for name in tests if samples[name]["spectrum"] == "flat_other_map"]
    same = [name for name in tests if name not in others]

    def width(category: str, samples: Sequence[str], row: tuple[str, str]) -> Measured:
        found = [
            cell(
                inputs.metrics_of[row[0]]["samples"][sample]["response"]["width"],
                SELECTIONS.index(row[1]),
                CATEGORIES.index(category),
                scale=100.0,
            )
            for sample in samples
        ]
        return found[0] if len(found) == 1 else _minus(*found)

    what = {"same map": same[:1], "other map": others[:1], "difference": [*others[:1], *same[:1]]}
    columns = [
        column(
            f"{category.removeprefix('EB ')}_{text.removesuffix(' map')}",
            f"{category}, {text}",
            partial(width, category, of),
            "%",
        )
        for category in ("EB electron", "EB photon")
        for text, of in what.items()
    ]
    return make_table(
        "dead_map",
        "Another map of dead channels",
        "σ_eff / median on a test sample with the dead channels of the training and on one with others: a model that "
        "had learnt the place of dead channels would be worse on the latter. The samples are independent.",
        (_OF_ROW, text_column("candidates", "Candidates", lambda row: view.SELECTION_TITLES[row[1]]), *columns),
        [(model, selection) for model in inputs.metrics_of for selection in ("all", "dead") if others and same],
        empty="no test sample has the spectrum flat_other_map",
    )


def _minus(first: Measured, second: Measured) -> Measured:
    """Return the difference of independent numbers."""
    if first.value is None or second.value is None:
        return Measured(value=None, reason=first.reason or second.reason)
    error = None if first.error is None or second.error is None else float(np.hypot(first.error, second.error))
    return Measured(value=first.value - second.value, error=error)


def pair_mass(inputs: ReportInputs) -> Table:
    """Peak and width of the mass of electron pairs."""
    found = {model: metrics["pair_mass"] for model, metrics in metrics_of(inputs).items()}
    return make_table(
        "pair_mass",
        "Peak and width of the pair mass",
        "m = m_Z √(r₁ r₂) with a Breit–Wigner mass and the responses r of two electrons of the sample, within "
        f"{MASS_RANGE_GEV[0]:g}–{MASS_RANGE_GEV[1]:g} GeV. The spectrum is that of the sample, flat in pT, and angles "
        "are exact: this is no simulation of Z decays.",
        (
            _OF_ROW,
            text_column("pair", "Electrons", lambda row: PAIRS[row[1]]),
            column("median", "Median", lambda row: cell(found[row[0]]["median"], row[1]), "GeV"),
            column("sigma_eff", "σ_eff", lambda row: cell(found[row[0]]["sigma_eff"], row[1]), "GeV"),
        ),
        [(model, p) for model in found for p in range(len(PAIRS))],
    )


def regions(inputs: ReportInputs) -> Table:
    """Shares of the regions of the response plane, before and after the correction of the reference model."""
    found = metrics_of(inputs).get(inputs.reference, {}).get("regions")
    times = {"before": "before", "after": f"after {inputs.reference}"}
    return make_table(
        "regions",
        "Regions of the response plane",
        f"Share of candidates with an energy, {view.sample_text(inputs)}. The core: |dE| within four robust widths of "
        "the uncorrected response and E_5x5 above 0.6 E_MC. Binomial errors.",
        (
            column("region", "Region", lambda row: row[1] + 1),
            text_column("name", "Meaning", lambda row: REGIONS[row[1]]),
            text_column("when", "Energy", lambda row: times[row[0]]),
            *view.by_category(lambda row, c: cell(found[row[0]], row[1], c, scale=100.0)),
        ),
        [(when, region) for when in times for region in range(len(REGIONS)) if found],
        empty=view.NO_PREDICTIONS,
    )
