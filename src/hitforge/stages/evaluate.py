"""Stages calibrate, evaluate and compare: from predictions to metrics with uncertainties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hitforge.predictions import PlannedPiece, usable
from hitforge.provenance import read_json, stamp, write_json
from hitforge.studies.base import Study
from hitforge.words import HELDOUT

Plan = Mapping[str, Sequence[PlannedPiece]]


def read_plan(plan: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, tuple[PlannedPiece, ...]]:
    """Validate a plan given as plain data."""
    return {name: tuple(PlannedPiece.model_validate(piece) for piece in pieces) for name, pieces in plan.items()}


def _samples(study: Study, plan: Plan) -> dict[str, Any]:
    return {name: study.calibrated([piece.read() for piece in pieces]) for name, pieces in plan.items()}


def calibrate(study: Study, predictions: Sequence[Path], inventory: Path | None, out: Path, config_hash: str) -> None:
    """Fit a fit's correction on its held-out events and write it."""
    events = usable(predictions, inventory)
    write_json(out, stamp(study=study.name, config_hash=config_hash, n_events=len(events), **study.calibrate(events)))


def evaluate(study: Study, model: str, plan: Plan, manifest: Path, seed: int, out: Path, config_hash: str) -> None:
    """Compute the metrics of a model on each sample of the plan and write them."""
    metrics = study.evaluate(model, _samples(study, plan), read_json(manifest)["weights"], seed)
    rotations = len(plan[HELDOUT])
    how = "held-out folds" if rotations == 1 else f"cross-fitted, {rotations} rotations"
    write_json(out, stamp(study=study.name, config_hash=config_hash, evaluation=how, **metrics))


def compare(study: Study, plans: Mapping[str, Plan], seed: int, out: Path, config_hash: str) -> None:
    """Compute paired differences between models and write them."""
    samples = {model: _samples(study, plan) for model, plan in plans.items()}
    found = {
        name: study.compare({model: own[name] for model, own in samples.items()}, seed, name)
        for name in next(iter(plans.values()))
    }
    write_json(out, stamp(study=study.name, config_hash=config_hash, samples=found))
