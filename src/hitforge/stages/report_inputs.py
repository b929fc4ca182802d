"""Where the artefacts of a study's chapter stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from hitforge.reporting.chapter import ReportInputs
from hitforge.studies.base import Study


def read_inputs(paths: Mapping[str, Any]) -> ReportInputs:
    """Turn plain data (paths as text) into report inputs."""
    return TypeAdapter(ReportInputs).validate_python(paths)


def paths_in(results: Path, study: Study) -> dict[str, Any]:
    """Return the artefacts of a study under its results folder, for the models that were evaluated there.

    A FileNotFoundError says that there are no metrics.
    """
    models = sorted(path.stem for path in (results / "metrics").glob("*.json"))
    if not models:
        raise FileNotFoundError(f"{results / 'metrics'}: no metrics; run the workflow up to the target 'metrics' first")
    samples = sorted(path.name for path in (results / "shards").iterdir())
    return {
        "study": study.name,
        "settings": study.settings.model_dump(mode="json"),
        "metrics": {model: results / "metrics" / f"{model}.json" for model in models},
        "manifests": {model: results / "models" / model / "model.json" for model in models},
        "calibrations": {model: results / "calibration" / f"{model}.json" for model in models},
        "comparison": results / "comparison.json",
        "inventories": {sample: results / "inventory" / f"{sample}.json" for sample in samples},
        "shards": {sample: sorted((results / "shards" / sample).glob("*.h5"))[:8] for sample in samples},
        "scaling": results / "scaling.json",
        "explain": {path.stem: path for path in sorted((results / "explain").glob("*.json")) if path.stem in models},
    }
