"""Stage assemble: the manifest of a trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hitforge.provenance import read_json, stamp, write_json
from hitforge.studies.base import Study
from hitforge.words import model_of


def assemble_model(study: Study, fit: str, members: Sequence[Path], out: Path, config_hash: str) -> None:
    """Write the manifest ``model.json`` of a fit's files; the networks of an ensemble are weighed by their losses."""
    model = model_of(fit)
    settings = study.settings.models[model]
    infos: list[Mapping[str, Any]] = [read_json(path.with_suffix(".json")) for path in members]
    weights = [1.0]
    about: dict[str, Any] = {"n_parameters": None, "n_operations": None}
    if settings.kind == "network":
        weights = [float(weight) for weight in study.ensemble_weights([info["best_loss"] for info in infos])]
        network = study.build_network(model, 0)
        operations = study.network_operations(model, network)
        about = {
            "n_parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
            "n_operations": None if operations is None else operations * len(infos),
        }
    elif settings.kind == "trees":
        # of the first booster, which learns the target itself
        about |= {key: infos[0][key] for key in ("importances", "trials")}
        # comparisons at most: down to the deepest level of every tree
        about["n_operations"] = sum((info["best_epoch"] + 1) * info["settings"]["max_depth"] for info in infos)
    write_json(
        out,
        stamp(
            study=study.name,
            model=model,
            fit=fit,
            kind=settings.kind,
            config_hash=config_hash,
            features=list(study.feature_set(settings.features)),
            members=[
                {"file": path.name, "best_loss": info["best_loss"], "best_epoch": info["best_epoch"]}
                for path, info in zip(members, infos, strict=True)
            ],
            weights=weights,
            n_training=infos[0].get("n_training"),
            training_parts=infos[0]["provenance"]["training_parts"],
            **about,
        ),
    )
