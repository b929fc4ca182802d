"""Invented numbers of what models know, in the shape of the metrics, beside the real metrics of a fabrication."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from hitforge.provenance import read_json, write_json
from hitforge.reporting.chapter import ReportInputs

LIMIT, LIMIT_TRACK = 0.95, 0.99


@dataclass(frozen=True)
class Invented:
    """A model: information in bits, gains as fractions; its files are those of the fabricated model ``files``.

    Its settings are the configured ones of its name, or those of ``layers_density`` with ``max_events``.
    """

    information: float
    geant4: float
    gain: float
    mi: float
    operations: float | None
    files: str = "hl_only"
    n_muons: int = 48_000
    max_events: int | None = None


MODELS = {
    "esum_only": Invented(0.53, 0.50, 0.034, 0.130, 4e3),
    "bdt": Invented(0.74, 0.69, 0.056, 0.174, 900, "bdt"),
    "bdt_w": Invented(0.735, 0.69, 0.056, 0.188, 900, "bdt"),
    "bdt_we": Invented(0.73, 0.68, 0.057, 0.196, 900, "bdt"),
    "bdt_tuned": Invented(0.745, 0.695, 0.057, 0.176, 2400, "bdt"),
    "bdt_layers": Invented(0.77, 0.72, 0.064, 0.182, 1100, "bdt"),
    "hl_only": Invented(0.71, 0.67, 0.052, 0.168, 1.5e4),
    "cnn": Invented(0.66, 0.61, 0.047, 0.17, 3.7e8, "cnn", 12_000),
    "layers": Invented(0.79, 0.74, 0.061, 0.185, 4.1e6),
    "layers_w": Invented(0.79, 0.745, 0.061, 0.196, 4.1e6),
    "layers_we": Invented(0.77, 0.735, 0.063, 0.205, 4.1e6),
    "layers_density_12k": Invented(0.77, 0.73, 0.06, 0.17, 4.2e6, n_muons=12_000, max_events=12_000),
    "layers_density_24k": Invented(0.79, 0.75, 0.062, 0.17, 4.2e6, n_muons=24_000, max_events=24_000),
    "layers_density": Invented(0.83, 0.78, 0.068, 0.175, 4.2e6),
}
"""Like the numbers of an experiment, and the names of the presets."""


def invent(inputs: ReportInputs, folder: Path, models: Mapping[str, Invented] = MODELS) -> ReportInputs:
    """Return a production of ``models``, made from the files of a fabricated one; files are written to ``folder``."""
    settings = copy.deepcopy(dict(inputs.settings))
    metrics, manifests = {}, {}
    for name, model in models.items():
        if model.max_events is not None:
            settings["models"][name] = copy.deepcopy(settings["models"]["layers_density"])
            settings["models"][name]["training"]["max_events"] = model.max_events
        metrics[name] = folder / f"metrics/{name}.json"
        write_json(metrics[name], _metrics(name, model, read_json(inputs.metrics[model.files])))
        manifests[name] = folder / f"models/{name}/model.json"
        for path in inputs.manifests[model.files].parent.glob("*_*.json"):
            write_json(manifests[name].parent / path.name, read_json(path))
        known = {"n_operations": model.operations, "n_training": model.n_muons}
        write_json(manifests[name], read_json(inputs.manifests[model.files]) | known)
    samples = read_json(next(iter(metrics.values())))["samples"]
    write_json(folder / "comparison.json", {"samples": {name: _compared(metrics, name) for name in samples}})
    return dataclasses.replace(
        inputs,
        settings={**settings, "reference_model": list(models)[-1]},
        metrics=metrics,
        manifests=manifests,
        calibrations={name: inputs.calibrations[model.files] for name, model in models.items()},
        comparison=folder / "comparison.json",
    )


def number(value: float | None, error: float | None, reason: str | None = None) -> dict[str, Any]:
    return {"value": value, "error": error, "reason": reason}


def _metrics(name: str, model: Invented, metrics: dict[str, Any]) -> dict[str, Any]:
    for sample, own in metrics["samples"].items():
        bits, error = (model.geant4, 0.021) if sample == "geant4" else (model.information, 0.011)
        simulated = sample != "geant4"
        reason = None if simulated else "the ntuples do not tell the losses"
        own["information_bits"] = number(bits, error)
        own["measured_gain"] = number(model.gain + 0.02 * (not simulated), 0.004)
        own["mean_improvement"] = number(model.mi - 0.003 * (not simulated), 0.003)
        own["coverage_68"] = number(0.69 + 0.01 * (not simulated), 0.006)
        for key, bits in (("limit_bits", LIMIT), ("limit_bits_track", LIMIT_TRACK)):
            own[key] = number(bits if simulated else None, 0.012 if simulated else None, reason)
        for row in own["bins"]:
            for key in ("resolution", "combined"):
                if row[key]["value"] is not None:
                    row[key]["value"] *= 1.0 + 3.0 * (0.8 - model.information)
        own["measured_bins"] = [_bin(low, model, simulated) for low in range(100, 4000, 488)]
    metrics["model"] = name
    metrics["transfer"] = [
        {"first": "geant4", "second": "test", "quantity": key, "difference": number(difference, error)}
        for key, difference, error in (
            ("information_bits", model.geant4 - model.information, 0.024),
            ("mean_improvement", -0.003, 0.004),
            ("measured_gain", 0.02, 0.006),
        )
    ]
    return metrics


def _bin(low: float, model: Invented, simulated: bool) -> dict[str, Any]:
    energy = low + 244.0
    tracker = 2e-4 * energy
    return {
        "low_gev": low,
        "high_gev": low + 488.0,
        "energy_gev": energy,
        "n": 700,
        "tracker": number(tracker, 0.02 * tracker),
        "combined": number(1.0 / (1.0 / tracker + 1.0 / (0.9 + model.gain * (1 if simulated else 0.5))), 0.012),
        "combined_bias": number(-0.02 * low / 4000, 0.01),
        "bits": number(0.3 + model.information * (low - 1500.0) ** 2 / 6e6, 0.03),
    }


def _compared(metrics: Mapping[str, Path], sample: str) -> list[dict[str, Any]]:
    """Return the rows of all pairs, with an error as of correlated numbers."""
    own = {model: read_json(path)["samples"][sample] for model, path in metrics.items()}
    return [
        {
            "first": first,
            "second": second,
            "quantity": key,
            "where": {},
            "difference": number(own[first][key]["value"] - own[second][key]["value"], error),
        }
        for first, second in combinations(own, 2)
        for key, error in (("mean_improvement", 0.002), ("information_bits", 0.006), ("measured_gain", 0.003))
    ]
