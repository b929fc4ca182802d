"""Stage pack: a trained, calibrated and evaluated model as one file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.packages import MADE_BY, PackageError, write_package
from hitforge.provenance import content_hash, read_json
from hitforge.scaling import Scaling
from hitforge.shard_lists import used_shards
from hitforge.shards import Shard
from hitforge.stages.model_card import model_card
from hitforge.stages.resolution import resolution_table
from hitforge.studies.base import Study


@dataclass(frozen=True)
class Pieces:
    """What a package is made of; the trained files stand beside the manifest."""

    manifest: Path
    scaling: Path | None
    """Of the main fit, for a network."""
    calibration: Path
    metrics: Path
    inventory: Path
    """Of the train sample."""
    shards: tuple[Path, ...]
    """Lists of the train sample's shards."""


@dataclass(frozen=True)
class Origin:
    """What a package says of the run that it is from.

    Attributes
    ----------
    description : str
        The model's, from the configuration.
    preset : str
        Name of the preset, or empty.
    sample : str
        Name of the train sample.
    sources : sequence of str
        Its sources as configured.
    hashes : mapping
        Hash of the settings of each stage of :data:`MADE_BY`.
    """

    description: str
    preset: str
    sample: str
    sources: Sequence[str]
    hashes: Mapping[str, str]


def pieces_in(results: Path, study: str, model: str, network: bool, sample: str) -> Pieces:
    """Return where the pieces of a model are under the folder of a study.

    Raises
    ------
    PackageError
        One is missing; the message names the target that makes it.
    """
    found = Pieces(
        manifest=results / "models" / model / "model.json",
        scaling=results / "scaling.json" if network else None,
        calibration=results / "calibration" / f"{model}.json",
        metrics=results / "metrics" / f"{model}.json",
        inventory=results / "inventory" / f"{sample}.json",
        shards=tuple(sorted((results / "shards" / sample).glob("b*.json"))),
    )
    for path, what in (
        (found.manifest, "trained"),
        (found.scaling, "scaled"),
        (found.calibration, "calibrated"),
        (found.metrics, "evaluated"),
        (found.inventory, "validated"),
    ):
        if path is not None and not path.is_file():
            target = f"results/{study}/{path.relative_to(results)}"
            raise PackageError(f"{path}: no such file, so {model} is not {what} here; fix: snakemake {target}")
    if not found.shards:
        raise PackageError(f"{results / 'shards' / sample}: no lists of shards; fix: snakemake shards")
    return found


def pack_model(
    study: Study, model: str, settings: Mapping[str, Any], pieces: Pieces, origin: Origin, out: Path
) -> None:
    """Write the package of a model's main fit.

    Parameters
    ----------
    study : Study
        With the settings of stage ``pack``.
    settings : mapping
        What stage ``apply`` is given for this model, as plain data.

    Raises
    ------
    PackageError
        A piece was made with other settings than those given, or a trained file is gone.
    """
    manifest = read_json(pieces.manifest)
    for path, stage in zip((pieces.manifest, pieces.calibration, pieces.metrics), MADE_BY.values(), strict=True):
        _same_settings(path, read_json(path).get("config_hash"), origin.hashes[stage], origin.preset)
    trained = [pieces.manifest.parent / member["file"] for member in manifest["members"]]
    files = {
        "model.json": pieces.manifest,
        "calibration.json": pieces.calibration,
        "metrics.json": pieces.metrics,
        **{path.name: path for path in trained},
    }
    if pieces.scaling is not None:
        _same_scaling(pieces.scaling, trained)
        files["scaling.json"] = pieces.scaling
    contents = {name: _bytes(path) for name, path in files.items()}
    given = study.portable_settings(settings)
    contents["settings.json"] = (json.dumps(given, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()
    contents |= {name: house_file(name) for name in ("LICENSE", "CITATION.cff")}
    about = {
        "kind": manifest["kind"],
        "config_hashes": dict(origin.hashes),
        "training": _training(study, manifest, pieces, origin),
        "reads": _reads(study),
    }
    metrics = read_json(pieces.metrics)
    bins = resolution_table(study, model, metrics) if study.declared.resolution else None
    card = model_card(study.name, model, origin, manifest, about, metrics, bins, contents)
    write_package(out, study.name, model, contents | {"README.md": card.encode()}, **about)


def _same_settings(path: Path, own: object, given: str, preset: str) -> None:
    if own != given:
        raise PackageError(
            f"{path}: config_hash is {own}, but {given} with the settings given (preset {preset or 'none'}): made "
            "with others; fix: give the --preset and --configfile of that run, or make it again with these settings"
        )


def _same_scaling(scaling: Path, trained: Sequence[Path]) -> None:
    own = content_hash(Scaling.model_validate(read_json(scaling)).model_dump(mode="json"))
    for path in trained:
        if read_json(path.with_suffix(".json"))["provenance"]["scaling"] != own:
            raise PackageError(f"{scaling}: is not the scaling that {path} was trained with; fix: train it again")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PackageError(f"{path}: no such file, but its model.json names it; fix: train the model again") from error


def _training(study: Study, manifest: Mapping[str, Any], pieces: Pieces, origin: Origin) -> dict[str, Any]:
    """Return on what the model was trained: sample, sources, parts, events, and the range of each target and truth."""
    parts = set(manifest["training_parts"])
    shards = [path for path in used_shards(pieces.shards, pieces.inventory) if path.stem in parts]
    if len(shards) != len(parts):
        raise PackageError(f"{pieces.inventory}: parts that the model was trained on are gone; fix: train it again")
    columns = [f"targets/{name}" for name in study.layout.targets] + [f"truth/{name}" for name in study.layout.truth]
    units = {**study.layout.targets, **study.layout.truth}
    ranges: dict[str, tuple[float, float]] = {}
    for path in shards:
        with Shard(path) as shard:
            for name in columns:
                values = shard.column(name)
                values = values[np.isfinite(values)]
                if len(values):
                    low, high = ranges.get(name, (np.inf, -np.inf))
                    ranges[name] = (min(low, float(values.min())), max(high, float(values.max())))
    return {
        "sample": origin.sample,
        "sources": list(origin.sources),
        "preset": origin.preset,
        "parts": sorted(parts),
        "n_events": manifest["n_training"],
        "ranges": {
            name.partition("/")[2]: {"low": low, "high": high, "units": units[name.partition("/")[2]]}
            for name, (low, high) in ranges.items()
        },
    }


def _reads(study: Study) -> dict[str, Any]:
    """Return what the reader makes of an entry: the model's inputs are among it."""
    layout = study.layout
    return {
        "features": dict(zip(layout.feature_names, layout.feature_units, strict=True)),
        "voxel_shape": layout.voxel_shape,
        "images": {name: list(shape) for name, shape in layout.images.items()},
    }


def house_file(name: str) -> bytes:
    """Return a file of the project, from the checkout or as it was installed."""
    path = Path(__file__).parents[3] / name
    if path.is_file():
        return path.read_bytes()
    text = metadata.distribution("hitforge").read_text(f"licenses/{name}")
    if text is None:
        raise PackageError(f"{name}: not found; fix: install hitforge again, or pack in its checkout")
    return text.encode()
