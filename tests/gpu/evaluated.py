"""Calibration and metrics of one model of the production (see `real`), in a process of its own: they take no GPU.

``python -m tests.gpu.evaluated FOLDER MODEL`` reads ``heldout.h5``, ``test.h5`` and ``model.json`` of the folder and
writes ``calibration.json`` and ``metrics.json`` there.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hitforge.config import load_settings
from hitforge.predictions import PlannedPiece
from hitforge.stages import evaluate as evaluation
from hitforge.studies.base import Study, load_study
from tests.gpu.samples import SEED

FOLDS = 10
BOOTSTRAPS = (200, 20)


def production_study(smoke: bool, models: Mapping[str, Any]) -> Study:
    """Return calo_muon with the folds of the production and some settings of its models."""
    own = {"folds": {"count": FOLDS}, "evaluation": {"bootstraps": BOOTSTRAPS[smoke]}, "models": models}
    return load_study("calo_muon", load_settings({"studies": ["calo_muon"], "calo_muon": own}).studies["calo_muon"])


def main() -> None:
    """Calibrate on held-out muons, evaluate on these and on the test sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("model")
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    study, folder = production_study(options.smoke, {}), options.folder
    calibration = folder / "calibration.json"
    evaluation.calibrate(study, [folder / "heldout.h5"], None, calibration, "")
    plan = {
        name: (
            PlannedPiece(
                predictions=(folder / f"{name}.h5",), calibration=calibration, calibrated_on=name == "heldout"
            ),
        )
        for name in ("heldout", "test")
    }
    manifest = folder / "model.json"
    evaluation.evaluate(study, options.model, plan, manifest, SEED, folder / "metrics.json", "")


if __name__ == "__main__":
    main()
