"""Stage assemble: the manifest of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hitforge.evaluation.ensemble import ensemble_weights
from hitforge.provenance import read_json, stamp, write_json
from hitforge.studies.base import Study


def assemble_ensemble(study: Study[Any], fit: str, members: Sequence[Path], out: Path, config_hash: str) -> None:
    """Weigh the members by their monitoring losses and write the manifest ``model.json``."""
    model = fit.partition("/")[0]
    infos: list[Mapping[str, Any]] = [read_json(path.with_suffix(".json")) for path in members]
    weights = ensemble_weights([info["best_loss"] for info in infos])
    network = study.build_network(model, 0)
    write_json(
        out,
        stamp(
            study=study.name,
            model=model,
            fit=fit,
            kind="network",
            config_hash=config_hash,
            features=list(study.feature_set(study.settings.models[model].features)),
            members=[
                {"file": path.name, "best_loss": info["best_loss"], "best_epoch": info["best_epoch"]}
                for path, info in zip(members, infos, strict=True)
            ],
            weights=[float(weight) for weight in weights],
            training_parts=infos[0]["provenance"]["training_parts"],
            n_parameters=sum(p.numel() for p in network.parameters() if p.requires_grad),
        ),
    )
