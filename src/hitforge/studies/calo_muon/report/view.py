"""What the chapter looks up in metrics and comparison: the sample to rank by, numbers as cells, the order of models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hitforge.evaluation.differences import find
from hitforge.reporting.chapter import Measured, ReportInputs
from hitforge.reporting.metrics import difference, evaluation_samples
from hitforge.words import HELDOUT

INFORMATION, GAIN, MI, COVERAGE = ("information_bits", "measured_gain", "mean_improvement", "coverage_68")
"""Keys of the metrics."""

LIMITS: Mapping[str, str] = {"limit_bits": "true losses alone", "limit_bits_track": "true losses and track"}
"""Keys of what an oracle knows, with what it is given."""

SCALE: Mapping[str, float] = {INFORMATION: 1.0, GAIN: 100.0, MI: 100.0, COVERAGE: 100.0, **dict.fromkeys(LIMITS, 1.0)}
"""From the metrics' units (bits, fractions) to the report's (bits, percent)."""

UNIT: Mapping[str, str] = {INFORMATION: "bit", GAIN: "pp", MI: "pp", COVERAGE: "%"}


def tested_samples(inputs: ReportInputs) -> list[str]:
    """Return the evaluated test samples in the order of the settings."""
    found = evaluation_samples(inputs)
    return [name for name in inputs.samples_with_role("test") if name in found]


def has_spectrum(inputs: ReportInputs, sample: str) -> bool:
    """Whether a sample has a spectrum of energies rather than a few discrete ones."""
    found = next(m["samples"][sample] for m in inputs.metrics_of.values() if sample in m["samples"])
    return any(row["low_gev"] < row["high_gev"] for row in found["bins"])


def ranking_sample(inputs: ReportInputs) -> str:
    """Return the sample that models are ranked by: the first test sample with a spectrum, else the held-out muons."""
    tests = tested_samples(inputs)
    return next((name for name in tests if has_spectrum(inputs, name)), (HELDOUT, *tests)[0])


def further_samples(inputs: ReportInputs) -> list[str]:
    """Return the other test samples with a spectrum: what models are transferred to."""
    first = ranking_sample(inputs)
    return [name for name in tested_samples(inputs) if name != first and has_spectrum(inputs, name)]


def number(inputs: ReportInputs, model: str, sample: str, key: str) -> Measured:
    """Return a number of a model on a sample, in the report's unit."""
    metrics = inputs.metrics_of[model]["samples"].get(sample)
    if metrics is None:
        return Measured(value=None, reason=f"not evaluated on the sample {sample}")
    return Measured.of(metrics.get(key), SCALE[key], f"the metrics have no {key}")


def measured_bins(inputs: ReportInputs, model: str, sample: str) -> list[Mapping[str, Any]]:
    """Return what was measured muon by muon in bins of true energy, nothing where no bin has a number."""
    rows: list[Mapping[str, Any]] = inputs.metrics_of[model]["samples"].get(sample, {}).get("measured_bins", [])
    return rows if any(binned(row, "combined", 1.0).value is not None for row in rows) else []


def binned(row: Mapping[str, Any], key: str, scale: float) -> Measured:
    """Return a number of an energy bin, which may come without an error."""
    found = row[key]
    if isinstance(found, Mapping):
        return Measured.of(found, scale)
    return Measured(value=None if found is None else scale * found)


def energy_text(row: Mapping[str, Any]) -> str:
    """Return the energies of a bin in GeV as text."""
    low, high = row["low_gev"], row["high_gev"]
    return f"{low:.0f}" if low == high else f"{low:.0f}–{high:.0f}"


def limit(inputs: ReportInputs, sample: str, key: str = "limit_bits_track") -> Measured:
    """Return what an oracle knows of a sample; it is the same whatever model was evaluated."""
    found = [number(inputs, model, sample, key) for model in inputs.metrics_of]
    return next((item for item in found if item.value is not None), found[0])


def ranked(inputs: ReportInputs) -> list[str]:
    """Return the models by their information on the ranking sample, those without a number last."""
    sample = ranking_sample(inputs)
    values = {model: number(inputs, model, sample, INFORMATION).value for model in inputs.metrics_of}
    return sorted(values, key=lambda model: math.inf if (value := values[model]) is None else -value)


def best(inputs: ReportInputs) -> str:
    """Return the model that knows most, the reference model where nothing is known of any."""
    model, sample = ranked(inputs)[0], ranking_sample(inputs)
    return inputs.reference if number(inputs, model, sample, INFORMATION).value is None else model


def paired(inputs: ReportInputs, model: str, other: str, sample: str, key: str) -> Measured:
    """Return the number of ``model`` minus that of ``other`` on the same muons, with the error of the difference."""
    why = f"{model} and {other} were not compared on the sample {sample}"
    return difference(inputs, model, other, key, scale=SCALE[key], sample=sample, absent=why)


def transferred(inputs: ReportInputs, model: str, sample: str, key: str) -> Measured:
    """Return a model's number on a further sample minus that on the ranking sample: independent muons."""
    first = ranking_sample(inputs)
    rows = [{**row, "where": {}} for row in inputs.metrics_of[model].get("transfer", [])]
    found = find(rows, sample, first, key)
    return Measured.of(found, SCALE[key], f"the samples {sample} and {first} were not compared")
