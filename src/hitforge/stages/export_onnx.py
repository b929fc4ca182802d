"""Stage export: a trained model as one ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import hitforge
from hitforge.bdt import load_trees
from hitforge.onnx_graphs import exporting
from hitforge.onnx_graphs.boosters import booster_trees
from hitforge.onnx_graphs.modules import OWN, AroundBoosters, EnsembleGraph, Frame
from hitforge.provenance import read_json
from hitforge.scaling import Scaling
from hitforge.stages.predict import load_networks
from hitforge.stages.train_member import read_scaling
from hitforge.studies.base import Study

FEATURES = "features"
"""Input of the graph: stored columns as they are, shape (n, F); its metadata name them."""


@dataclass(frozen=True)
class ExportedModel:
    """A graph and what it was made of.

    Attributes
    ----------
    content : bytes
        The ONNX model.
    columns : tuple of str
        Columns of the input ``features``, in order; none: there is no such input.
    tensors : mapping of name to tuple of int
        Further inputs, made of the hits, and their shapes of one event.
    frame : Frame
        What stands around the trained parts.
    """

    content: bytes
    columns: tuple[str, ...]
    tensors: Mapping[str, tuple[int, ...]]
    frame: Frame


def export_model(
    study: Study, manifest: Path, scaling: Path | None, calibration: Mapping[str, Any], package_hash: str = ""
) -> ExportedModel:
    """Return the graph of a trained model, with its scaling, its ensemble and its calibration inside.

    A ValueError says why there is none: lookup tables stay in Python.
    """
    exporting.need_onnx()
    about = read_json(manifest)
    model = about["model"]
    if about["kind"] == "table":
        raise ValueError(
            f"{study.name}/{model} is a lookup table, and no graph is made of those: read the numbers of "
            f"{about['members'][0]['file']}, or apply it in Python"
        )
    parts = study.onnx_graph(model, None if scaling is None else read_scaling(scaling))
    frame = Frame(parts, about["features"], study.layout.feature_names, calibration)
    if about["kind"] == "network":
        assert scaling is not None
        tensors = _hit_tensors(study, model)
        proto = _of_networks(study, manifest, about, read_scaling(scaling), frame, tensors)
    else:
        tensors = {}
        proto = _of_boosters(study, manifest, about, frame)
    units = dict(zip(study.layout.feature_names, study.layout.feature_units, strict=True))
    metadata = {
        "study": study.name,
        "model": model,
        "hitforge_version": hitforge.__version__,
        "package_hash": package_hash,
        "feature_names": ",".join(frame.columns),
        "feature_units": ",".join(units[name] for name in frame.columns),
        "outside": parts.outside,
    }
    return ExportedModel(exporting.finished(proto, metadata), frame.columns, tensors, frame)


def _hit_tensors(study: Study, model: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what a network is given of the hits of an event."""
    made = study.hit_tensors(model)
    found = {} if made is None else dict(made.shapes)
    if study.uses_voxels(model):
        assert study.layout.voxel_shape is not None
        found["grid"] = (1, *study.layout.voxel_shape)
    return found


def _example(frame: Frame, tensors: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return inputs of two events of zeros."""
    features = {FEATURES: torch.zeros(2, len(frame.columns))} if frame.columns else {}
    return {**features, **{name: torch.zeros(2, *shape) for name, shape in tensors.items()}}


def _of_networks(
    study: Study,
    manifest: Path,
    about: Mapping[str, Any],
    scaling: Scaling,
    frame: Frame,
    tensors: Mapping[str, tuple[int, ...]],
) -> Any:
    networks = [network.requires_grad_(False) for network in load_networks(study, manifest, about)]

    def columns(output: Any) -> Mapping[str, Tensor]:
        return study.output_columns(about["model"], output)

    module = EnsembleGraph(frame, networks, about["weights"], scaling, columns, tuple(tensors))
    with torch.inference_mode():
        module.eval()(*_example(frame, tensors).values())
    frame.keep_what_was_read()
    return exporting.traced_model(module, _example(frame, tensors))


def _of_boosters(study: Study, manifest: Path, about: Mapping[str, Any], frame: Frame) -> Any:
    boosters = [booster_trees(load_trees(manifest.parent / member["file"])) for member in about["members"]]
    margins = {f"leaves_{k}": torch.zeros(2, len(booster.base)) for k, booster in enumerate(boosters)}
    module = AroundBoosters(frame, boosters, study.target)
    module(*_example(frame, {}).values(), *margins.values())
    frame.keep_what_was_read()
    around = exporting.traced_model(module, {**_example(frame, {}), **margins})
    return exporting.with_boosters(around, boosters, OWN, list(margins))
