"""What a study says of a model's graph: its maps from features and to predictions once more, in torch.

The maps of a study are numpy, which no exporter can trace. A graph needs them in torch; tests hold the two against
each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hitforge.scaling import CLIP, Scaling

Tensors = Mapping[str, Tensor]


class StoredColumns:
    """The columns of shards by name, of n events. Those that are asked for become a graph's input.

    Parameters
    ----------
    values : Tensor, shape (n, len(names))
    names : sequence of str
        What the columns of ``values`` are.
    read : set of str
        Where the names that were asked for are noted.
    """

    def __init__(self, values: Tensor, names: Sequence[str], read: set[str]) -> None:
        self._values = values
        self._place = {name: place for place, name in enumerate(names)}
        self._read = read

    def __len__(self) -> int:
        return len(self._values)

    def of(self, names: Sequence[str]) -> Tensor:
        """Return columns in the order given, shape (n, len(names))."""
        self._read.update(names)
        places = [self._place[name] for name in names]
        if places == list(range(self._values.shape[1])):
            return self._values
        return self._values[:, places]

    def __getitem__(self, name: str) -> Tensor:
        """Return a column, shape (n,)."""
        return self.of([name])[:, 0]


@dataclass(frozen=True, kw_only=True)
class ModelGraph:
    """Parts of a model's graph that differ from the default, in operations that torch can trace.

    Attributes
    ----------
    clip : callable
        The model's own columns, shape (n, len(names)), into the range that models may see; default: as they are.
    inputs : callable
        Stored columns and the model's own to the tensors of its network; default: the own columns, scaled, as
        ``features``.
    network : callable
        A trained network to one of operations that can be traced; default: itself.
    columns : callable
        Output of a network to its prediction columns; default: the study's ``output_columns``.
    combine : callable
        Columns of the members, (n, M) or (n, M, k), and their weighted mean to those of the ensemble; default: that.
    trees : callable
        Outputs of the boosters and stored columns to prediction columns; default: the first is the target.
    calibrated : callable
        Columns of the ensemble, the calibration and stored columns to the columns with it; default: none.
    outside : str
        What of the model or its calibration the graph does not hold.
    """

    clip: Callable[[Tensor], Tensor] | None = None
    inputs: Callable[[StoredColumns, Tensor], Tensors] | None = None
    network: Callable[[nn.Module], nn.Module] | None = None
    columns: Callable[[Any], Tensors] | None = None
    combine: Callable[[Tensors, Tensors], Tensors] | None = None
    trees: Callable[[Sequence[Tensor], StoredColumns], Tensors] | None = None
    calibrated: Callable[[Tensors, Mapping[str, Any], StoredColumns], Tensors] | None = None
    outside: str = ""


def scaled(own: Tensor, scaling: Scaling) -> Tensor:
    """Return columns standardised as :meth:`Scaling.apply` does, in double precision as there."""
    mean, std = (torch.tensor(values, dtype=torch.float64) for values in (scaling.mean, scaling.std))
    return ((own.double() - mean) / torch.where(std > 0, std, 1.0)).float()


def without_outliers(values: Tensor) -> Tensor:
    """Return scaled features as :func:`hitforge.scaling.without_outliers` does."""
    return torch.where(torch.isnan(values), 0.0, values).clamp(-float(CLIP), float(CLIP))


def interpolation_place(edges: Tensor, values: Tensor) -> Tensor:
    """Return the number of ``edges``, shape (K,), that do not exceed each of ``values``, shape (n,): from 0 to K."""
    return (values[:, None] >= edges).sum(dim=1)
