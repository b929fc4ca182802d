"""Torch modules that an exporter can trace: all of a network model, or what stands before and after boosters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hitforge.onnx_graphs.boosters import BoosterTrees
from hitforge.onnx_graphs.parts import ModelGraph, StoredColumns, Tensors, scaled
from hitforge.scaling import Scaling


class Frame:
    """What stands around the trained parts of any model: its columns, and its calibration.

    Attributes
    ----------
    parts : ModelGraph
        What the study says of it.
    names : tuple of str
        The model's own columns.
    columns : tuple of str
        Columns of the input ``features``: first all that shards have, then those that were read, in that order.
    calibration : mapping
        What stage ``calibrate`` fitted.
    """

    def __init__(
        self, parts: ModelGraph, names: Sequence[str], columns: Sequence[str], calibration: Mapping[str, Any]
    ) -> None:
        self.parts, self.names, self.calibration = parts, tuple(names), calibration
        self.columns = tuple(columns)
        self._read: set[str] = set()

    def stored(self, features: Tensor) -> StoredColumns:
        """Return the columns by name."""
        return StoredColumns(features, self.columns, self._read)

    def keep_what_was_read(self) -> None:
        """Leave out the columns that no call has read so far."""
        self.columns = tuple(name for name in self.columns if name in self._read)

    def own(self, stored: StoredColumns) -> Tensor:
        """Return the model's own columns as it may see them, shape (n, len(names))."""
        own = stored.of(self.names)
        return own if self.parts.clip is None else self.parts.clip(own)

    def with_calibrated(self, columns: Tensors, stored: StoredColumns) -> dict[str, Tensor]:
        """Return the outputs of the graph."""
        calibrated = self.parts.calibrated
        return {**columns, **({} if calibrated is None else calibrated(columns, self.calibration, stored))}


class EnsembleGraph(nn.Module):
    """All members of a network model, from stored columns and hit tensors to the columns of the ensemble."""

    def __init__(
        self,
        frame: Frame,
        networks: Sequence[nn.Module],
        weights: Sequence[float],
        scaling: Scaling,
        columns: Callable[[Any], Tensors],
        tensors: Sequence[str],
    ) -> None:
        super().__init__()
        parts = frame.parts
        self.frame, self.weights, self.tensors = frame, weights, tensors
        self.scaling = scaling.select(frame.names)
        self.networks = nn.ModuleList(n if parts.network is None else parts.network(n) for n in networks)
        self.columns = parts.columns or columns

    def forward(self, *given: Tensor) -> dict[str, Tensor]:
        """Return the outputs by name, of columns, shape (n, F), where there are any, and the tensors that are named."""
        features = given[0] if self.frame.columns else given[0].new_empty(len(given[0]), 0)
        inputs: dict[str, Tensor] = dict(
            zip(self.tensors, given[-len(self.tensors) :] if self.tensors else (), strict=True)
        )
        stored = self.frame.stored(features)
        parts = self.frame.parts
        own = self.frame.own(stored)
        if parts.inputs is not None:
            inputs |= parts.inputs(stored, own)
        elif self.frame.names:
            inputs["features"] = scaled(own, self.scaling)
        outputs = [self.columns(network(**inputs)) for network in self.networks]
        members = {name: torch.stack([columns[name] for columns in outputs], dim=1) for name in outputs[0]}
        mean = {name: self._mean(values) for name, values in members.items()}
        return self.frame.with_calibrated(mean if parts.combine is None else parts.combine(members, mean), stored)

    def _mean(self, values: Tensor) -> Tensor:
        """Return the weighted mean over the members, summed in double precision and in their order."""
        total = values[:, 0].double() * self.weights[0]
        for member, weight in enumerate(self.weights[1:], start=1):
            total = total + values[:, member].double() * weight
        return total.float()


OWN = "own_features"
"""Output of :class:`AroundBoosters` that the boosters read."""


class AroundBoosters(nn.Module):
    """From stored columns to those that boosters read, and from sums of leaves to prediction columns."""

    def __init__(self, frame: Frame, boosters: Sequence[BoosterTrees], target: str) -> None:
        super().__init__()
        self.frame, self.boosters, self.target = frame, boosters, target

    def forward(self, features: Tensor, *margins: Tensor) -> dict[str, Tensor]:
        """Return the outputs by name, of stored columns, shape (n, F), and sums of leaves, shape (n, k) a booster."""
        stored = self.frame.stored(features)
        said = [booster.outputs(margin) for booster, margin in zip(self.boosters, margins, strict=True)]
        trees = self.frame.parts.trees
        columns = {self.target: said[0]} if trees is None else trees(said, stored)
        return {OWN: self.frame.own(stored), **self.frame.with_calibrated(columns, stored)}
