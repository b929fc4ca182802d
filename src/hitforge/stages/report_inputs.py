"""Where the artefacts of a study's chapter stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from hitforge.config import StudySettings
from hitforge.reporting.chapter import ReportInputs
from hitforge.studies.base import Study
from hitforge.words import HELDOUT


def read_inputs(paths: Mapping[str, Any]) -> ReportInputs:
    """Turn plain data (paths as text) into report inputs."""
    return TypeAdapter(ReportInputs).validate_python(paths)


def _outputs(results: Path, settings: StudySettings, model: str) -> dict[str, list[dict[str, Any]]]:
    """Return what the fits of a model predicted, as far as the files are there: held-out events and test samples."""
    main, *rotations = settings.fits(model)
    of_role = {role: [name for name, s in settings.samples.items() if s.role == role] for role in ("train", "test")}
    planned = {HELDOUT: [(name, fit) for name in of_role["train"] for fit in rotations or [main]]}
    planned |= {name: [(name, main)] for name in of_role["test"]}
    found = {
        name: [
            {
                "predictions": blocks,
                "calibration": results / "calibration" / f"{fit}.json",
                "inventory": results / "inventory" / f"{sample}.json",
                "calibrated_on": name == HELDOUT,
            }
            for sample, fit in pieces
            if (blocks := sorted((results / "predictions" / fit / sample).glob("*.h5")))
        ]
        for name, pieces in planned.items()
    }
    return {name: pieces for name, pieces in found.items() if pieces}


def paths_in(results: Path, study: Study) -> dict[str, Any]:
    """Return the artefacts of a study under its results folder, for its models that were evaluated there.

    A FileNotFoundError says that there are no metrics.
    """
    evaluated = sorted({path.stem for path in (results / "metrics").glob("*.json")} & study.settings.models.keys())
    models = sorted(evaluated, key=[*study.settings.run_models, *evaluated].index)
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
        "outputs": {model: _outputs(results, study.settings, model) for model in models},
        "scaling": results / "scaling.json",
        "explain": {path.stem: path for path in sorted((results / "explain").glob("*.json")) if path.stem in models},
    }
