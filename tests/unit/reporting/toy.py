"""Inputs of a report with invented numbers of a study that there is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hitforge.provenance import write_json
from hitforge.reporting.chapter import ReportInputs

SAMPLES = {"mc": {"role": "train", "source": "simulate"}, "test": {"role": "test", "source": "simulate"}}


def toy_inputs(
    folder: Path,
    metrics: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]] = (),
    settings: Mapping[str, Any] | None = None,
) -> ReportInputs:
    """Return inputs with metrics of each model on the sample ``test``, and rows of its comparison."""
    paths = {}
    for model, numbers in metrics.items():
        paths[model] = folder / f"{model}.json"
        write_json(paths[model], {"model": model, "axes": {}, "samples": {"test": numbers}})
    write_json(folder / "comparison.json", {"samples": {"test": list(rows)}})
    models = {model: {"kind": "table"} for model in metrics}
    return ReportInputs(
        study="toy",
        settings={"samples": SAMPLES, "models": models, **(settings or {})},
        metrics=paths,
        manifests={},
        calibrations={},
        comparison=folder / "comparison.json",
        inventories={},
        shards={},
    )
