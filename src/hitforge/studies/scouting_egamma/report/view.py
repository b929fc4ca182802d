"""What tables and figures of the chapter look up: metrics by model and sample, colours, candidates from shards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from hitforge.evaluation.statistics import plain
from hitforge.provenance import read_json
from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.evaluated import colour_among, metrics_of, sample_title, shown_sample, values
from hitforge.reporting.numbers import fixed
from hitforge.shards import Shard
from hitforge.studies.scouting_egamma.data.selection import CUT_NAMES
from hitforge.studies.scouting_egamma.evaluation.calibration import calibrated
from hitforge.studies.scouting_egamma.evaluation.response import SELECTIONS
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample

MAX_CANDIDATES = 200_000
"""Distributions of more candidates would look the same; further shards are left out."""

SELECTION_TITLES = dict(
    zip(
        SELECTIONS,
        ("all", "good", "near a gap", "dead channel in 5 × 5", "observable cuts", "low pT"),
        strict=True,
    )
)


def sample_text(inputs: ReportInputs) -> str:
    """Return the shown sample and its number of candidates."""
    n = next(iter(metrics_of(inputs).values()))["n_candidates"]
    return f"{sample_title(shown_sample(inputs))}, {fixed(n, 0)} candidates"


def difference(inputs: ReportInputs, first: str, second: str) -> Mapping[str, Any] | None:
    """Return sigma_eff / median of ``first`` minus that of ``second``, (selections, categories); None if not run."""
    sample = read_json(inputs.comparison)["samples"].get(shown_sample(inputs), {})
    found = sample.get("differences", {})
    if f"{first}:{second}" in found:
        same: Mapping[str, Any] = found[f"{first}:{second}"]
        return same
    turned = found.get(f"{second}:{first}")
    if turned is None:
        return None
    return {**turned, "value": plain(-values(turned))}


def colour_of(inputs: ReportInputs, model: str) -> str:
    """Return a model's colour, the same in every figure; the first is that of the reference."""
    return colour_among(list(inputs.metrics), inputs.reference, model)


def shown_models(inputs: ReportInputs) -> list[str]:
    """Return the models of the figures with a line for each: all but ``e5x5cal``, which would set the axes."""
    return [model for model in metrics_of(inputs) if model != "e5x5cal"]


def log_percent(axes: Axes) -> None:
    """Make the y axis logarithmic with few plain labels."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def share_without_energy(inputs: ReportInputs, sample: str) -> float:
    """Return the share of a sample's entries without any energy, from the cut flows of its used parts."""
    inventory = inputs.inventory_of[sample]
    flows = [dict(inventory.parts[part].cut_flow) for part in inventory.good]
    total = sum(flow[CUT_NAMES[0]] for flow in flows)
    return 1 - sum(flow[CUT_NAMES[-1]] for flow in flows) / total if total else 0.0


def load_candidates(inputs: ReportInputs, role: str = "train") -> dict[str, NDArray[np.float32]]:
    """Return columns of the first sample of a role: features, truth and ``y`` = E_MC / E_reco, by name."""
    found: list[dict[str, NDArray[np.float32]]] = []
    total = 0
    for path in inputs.shards.get(inputs.samples_with_role(role)[0], ()):
        if total >= MAX_CANDIDATES:
            break
        with Shard(path) as shard:
            columns = dict(zip(shard.feature_names, shard.column("features").T, strict=True))
            truth = ("gen_pt", "gen_eta", "gen_phi", "category", "quality", "observable")
            columns |= {name: shard.column(f"truth/{name}") for name in truth}
            columns["y"] = shard.column("targets/y")
            found.append(columns)
            total += len(shard)
    return {name: np.concatenate([columns[name] for columns in found]) for name in found[0]} if total else {}


def reference_sample(inputs: ReportInputs) -> EnergySample | None:
    """Return the shown sample with the calibrated corrections of the reference model, None without predictions."""
    pieces = [piece.read() for piece in inputs.outputs.get(shown_sample(inputs), ())]
    return calibrated(pieces) if pieces else None
