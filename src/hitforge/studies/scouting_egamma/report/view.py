"""What tables and figures of the chapter look up: metrics by model and sample, colours, candidates from shards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from hitforge.predictions import join, usable
from hitforge.provenance import read_json
from hitforge.reporting.chapter import Measured, ReportInputs
from hitforge.reporting.style import COLOURS
from hitforge.shards import Shard
from hitforge.studies.scouting_egamma.evaluation.calibration import apply_calibration
from hitforge.studies.scouting_egamma.evaluation.response import SELECTIONS
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample, join_samples
from hitforge.studies.scouting_egamma.samples import energy_sample
from hitforge.studies.scouting_egamma.selection import CUT_NAMES
from hitforge.validation import read_inventory

HELDOUT, TRAINED_ON = "heldout", "trained_on"
MAX_CANDIDATES = 200_000
"""Distributions of more candidates would look the same; further shards are left out."""

SELECTION_TITLES = dict(
    zip(
        SELECTIONS,
        ("all", "good", "near a gap", "dead channel in 5 × 5", "observable cuts", "low pT"),
        strict=True,
    )
)


def evaluation_samples(inputs: ReportInputs) -> list[str]:
    """Return the samples that no model was trained on, the held-out candidates first."""
    found = dict.fromkeys(name for metrics in inputs.metrics_of.values() for name in metrics["samples"])
    return sorted((name for name in found if name != TRAINED_ON), key=lambda name: name != HELDOUT)


def shown_sample(inputs: ReportInputs) -> str:
    """Return the sample of figures and headline: the first test sample, else the held-out candidates."""
    samples = evaluation_samples(inputs)
    return next((name for name in samples if name != HELDOUT), samples[0])


def sample_text(inputs: ReportInputs) -> str:
    """Return the shown sample and its number of candidates."""
    metrics = metrics_of(inputs)
    sample = shown_sample(inputs)
    n = next(iter(metrics.values()))["n_candidates"]
    return f"{'held-out' if sample == HELDOUT else sample}, {n} candidates"


def metrics_of(inputs: ReportInputs) -> dict[str, Any]:
    """Return the metrics on the shown sample of every model that was evaluated on it."""
    name = shown_sample(inputs)
    return {model: m["samples"][name] for model, m in inputs.metrics_of.items() if name in m["samples"]}


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
    return {**turned, "value": (-np.array(turned["value"], dtype=np.float64)).tolist()}


def colour_of(inputs: ReportInputs, model: str) -> str:
    """Return a model's colour, the same in every figure; the first is that of the reference."""
    others = [name for name in inputs.metrics if name != inputs.reference]
    return COLOURS[0 if model == inputs.reference else (1 + others.index(model)) % len(COLOURS)]


def shown_models(inputs: ReportInputs) -> list[str]:
    """Return the models of the figures with a line for each: all but ``e5x5cal``, which would set the axes."""
    return [model for model in metrics_of(inputs) if model != "e5x5cal"]


def log_percent(axes: Axes) -> None:
    """Make the y axis logarithmic with few plain labels."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def cell(number: Mapping[str, Any] | None, *index: int, scale: float = 1.0, absent: str = "not run") -> Measured:
    """Return one number of an array of a metrics file as a cell, times ``scale``."""
    if number is None:
        return Measured(value=None, reason=absent)
    value, error = number["value"], number["error"]
    for i in index:
        value = value[i]
        error = None if error is None else error[i]
    if value is not None and not np.isfinite(value):
        value = None
    return Measured.of({"value": value, "error": error, "reason": number["reason"] if value is None else None}, scale)


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
    pieces = []
    for piece in inputs.outputs.get(shown_sample(inputs), ()):
        inventory = None if piece.inventory is None else read_inventory(piece.inventory)
        predictions = join([usable(piece.predictions, inventory)])
        pieces.append(apply_calibration(energy_sample(predictions), read_json(piece.calibration)))
    return join_samples(pieces) if pieces else None
