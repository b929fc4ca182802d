"""What onnxruntime makes of an exported model, held against what the ordinary prediction makes of the same events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hitforge.hits import CellHits
from hitforge.packaged_study import packaged_study
from hitforge.packages import ModelPackage
from hitforge.provenance import atomic_path, read_json, stamp
from hitforge.scaling import Scaling
from hitforge.shards import ShardBlock, write_shard
from hitforge.stages.export_onnx import FEATURES, ExportedModel, export_model
from hitforge.stages.predict import load_model, predict_events
from hitforge.stages.train_member import read_scaling
from hitforge.studies.base import Study
from hitforge.training.dataset import EventIndex, index_events
from hitforge.training.loader import EventStream
from hitforge.training.memory import LEAST_MB
from hitforge.training.plan import per_shard_edges
from hitforge.training.window import EventSource

BOUND = 1e-4
"""Largest relative difference of an output. Single precision rounds at 6e-8 and sums run in another order: outputs
differ by some 1e-6, widths that are differences of quantiles by 1e-5. A wrong branch is a thousand times as much."""

_BATCH = 256
_EVENTS = 1000
"""Events that are made up, or at most taken, evenly, of those given: a network of cells is slow."""


@dataclass(frozen=True)
class Difference:
    """Of an output, over all events: the largest one, and relative to the value or, if larger, the mean size."""

    output: str
    absolute: float
    relative: float


def differences(
    study: Study, manifest: Path, scaling: Path | None, exported: ExportedModel, shards: Sequence[Path]
) -> list[Difference]:
    """Return the difference of each output, on events of shards.

    Columns of the ensemble are held against an ordinary prediction. Calibrated ones are against torch's calibration of
    the graph's own: a calibration may have steps, and what is beside one would be on the other side.
    """
    index = index_events(shards)
    index = index.take(np.unique(np.linspace(0, len(index) - 1, min(len(index), _EVENTS)).astype(np.int64)))
    expected = predict_events(study, load_model(study, manifest, scaling, "cpu"), index).ensemble
    inputs = list(_inputs(study, read_json(manifest)["model"], exported, index))
    found = run(exported.content, inputs)
    wide = [given.get(FEATURES, np.zeros((len(next(iter(given.values()))), 0), np.float32)) for given in inputs]
    columns = {name: torch.from_numpy(found[name]) for name in expected}
    calibrated = exported.frame.with_calibrated(columns, exported.frame.stored(torch.from_numpy(np.concatenate(wide))))
    wanted = {**{name: values.numpy() for name, values in calibrated.items()}, **expected}
    return [_difference(name, found[name], values) for name, values in sorted(wanted.items())]


def run(content: bytes, inputs: Sequence[Mapping[str, NDArray[np.float32]]]) -> dict[str, NDArray[np.float32]]:
    """Return what onnxruntime makes of batches of inputs, by output."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    pieces = [session.run(names, dict(given)) for given in inputs]
    return {name: np.concatenate(values) for name, values in zip(names, zip(*pieces, strict=True), strict=True)}


def _inputs(
    study: Study, model: str, exported: ExportedModel, index: EventIndex
) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Yield the inputs of a graph, batch by batch, in the order of the events."""
    places = [index.feature_names.index(name) for name in exported.columns]
    source = EventSource(
        index,
        inputs=(lambda raw: {FEATURES: np.ascontiguousarray(raw[:, places])}) if places else None,
        voxels="grid" in exported.tensors,
        tensors=study.hit_tensors(model) if exported.tensors else None,
    )
    stream = EventStream(source, _BATCH, LEAST_MB * 2**20, torch.device("cpu"))
    with stream.batches(stream.in_order(per_shard_edges(index, _BATCH))) as batches:
        for batch in batches:
            yield {name: values.numpy() for name, values in batch.inputs.items()}


def _difference(name: str, found: NDArray[np.float32], expected: NDArray[np.float32]) -> Difference:
    exact = expected.astype(np.float64)
    if not np.array_equal(np.isfinite(found), np.isfinite(exact)):
        return Difference(name, np.inf, np.inf)
    finite = np.isfinite(exact)
    size = np.abs(exact[finite])
    distance = np.abs(found[finite] - exact[finite])
    floor = size.mean() if len(size) else 0.0
    relative = distance / np.maximum(np.maximum(size, floor), 1e-30)
    return Difference(name, float(distance.max(initial=0.0)), float(relative.max(initial=0.0)))


def made_up_shard(study: Study, scaling: Scaling | None, path: Path, seed: int = 0) -> Path:
    """Write events that no detector made: features of the range that a training saw, and a few hits anywhere.

    Without a scaling (trees) the columns are small whole numbers and quarters. None is missing: real events have
    to tell of those.
    """
    layout, random = study.layout, np.random.default_rng(seed)
    shape = (_EVENTS, len(layout.feature_names))
    if scaling is None:
        features = np.round(random.normal(0, 3, shape) * 4) / 4
    else:
        mean, std = np.array(scaling.mean), np.array(scaling.std)
        features = np.clip(random.normal(mean, std, shape), scaling.low, scaling.high)
    n_cells = 0 if layout.voxel_shape is None else int(np.prod(layout.voxel_shape))
    hits = None
    if n_cells:
        dense = random.exponential(0.05, (_EVENTS, n_cells)) * (random.random((_EVENTS, n_cells)) < 0.01)
        hits = CellHits.from_dense(dense)
    zeros = np.zeros(_EVENTS, np.float32)
    block = ShardBlock(
        features=features.astype(np.float32),
        bucket=np.zeros(_EVENTS, np.int16),
        entry=np.arange(_EVENTS),
        targets=dict.fromkeys(layout.targets, zeros),
        truth=dict.fromkeys(layout.truth, zeros),
        hits=hits,
        images={name: np.zeros((_EVENTS, *shape), np.float32) for name, shape in layout.images.items()},
    )
    scaled = scaling is not None and scaling.is_identity
    write_shard(
        path, layout, [block], stamp(study=study.name, part="made_up", content_checksum="", features_scaled=scaled)
    )
    return path


def write_checked(package: ModelPackage, events: Sequence[str], out: Path) -> list[Difference]:
    """Write the graph of a package's model and return how far its outputs are from the model's own.

    Parameters
    ----------
    events : sequence of str
        Shards (``.h5``), or parts that the study reads; none: events are made up.

    Raises
    ------
    ValueError
        No graph is made of such a model, or one of its outputs is farther away than :data:`BOUND`. Nothing is written.
    """
    study = packaged_study(package)
    exported = export_model(study, package.manifest, package.scaling, package.calibration, package.hash)
    with TemporaryDirectory(prefix="hitforge-") as scratch:
        shards = [
            Path(name) if name.endswith(".h5") else _shard_of(study, name, Path(scratch) / f"{number}.h5")
            for number, name in enumerate(events)
        ]
        if not shards:
            scaling = None if package.scaling is None else read_scaling(package.scaling)
            shards = [made_up_shard(study, scaling, Path(scratch) / "made_up.h5")]
        found = differences(study, package.manifest, package.scaling, exported, shards)
    far = [f"{one.output} by {one.relative:.2g}" for one in found if not one.relative <= BOUND]
    if far:
        raise ValueError(
            f"{out}: not written, since onnxruntime differs from the model by more than {BOUND:g} of the value: "
            f"{', '.join(far)}; report it with the package and the events"
        )
    with atomic_path(out) as temporary:
        temporary.write_bytes(exported.content)
    return found


def _shard_of(study: Study, source: str, path: Path) -> Path:
    """Write the entries of a part that models are applied to as a shard."""
    with contextmanager(study.open_entries)(source) as opened:
        about = stamp(
            study=study.name, part=path.stem, content_checksum="", features_scaled=opened.layout == "fold_file"
        )
        write_shard(path, study.layout, (block.events for block in opened.blocks), about)
    return path
