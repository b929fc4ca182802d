"""A muon model as a graph: the maps of ``features``, ``models.inputs`` and ``evaluation.bias`` in torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from hitforge.onnx_graphs.parts import ModelGraph, StoredColumns, Tensors
from hitforge.scaling import Scaling
from hitforge.studies.calo_muon.evaluation.bias import BiasCorrection
from hitforge.studies.calo_muon.features import EMEAS_MAX_GEV
from hitforge.studies.calo_muon.models.networks.running_norm import RunningBatchNorm
from hitforge.studies.calo_muon.settings import CaloModelSettings, DensitySettings


def model_graph(
    model: CaloModelSettings, _scaling: Scaling | None, names: Sequence[str], *, density: DensitySettings
) -> ModelGraph:
    """Return the parts of a muon model's graph."""
    kind = model.training.loss.kind if model.kind == "network" else "squared"
    edges = torch.tensor(density.edges_gev())

    def columns(output: Tensor) -> Tensors:
        if kind == "density":
            return {"density": torch.softmax(output, dim=1)}
        return {"energy": output.exp() if kind == "log" else output}

    def combine(_members: Tensors, mean: Tensors) -> Tensors:
        return {"energy": median(mean["density"], edges), **mean} if "density" in mean else mean

    outside = "the calibrated density of the energy and the error made of it" if kind == "density" else ""
    return ModelGraph(
        clip=clip(names), network=with_fixed_norms, columns=columns, combine=combine, calibrated=calibrated,
        outside=outside,
    )  # fmt: skip


def clip(names: Sequence[str]) -> Callable[[Tensor], Tensor] | None:
    """Return what ``features.clip_features`` does to the columns of these names, shape (n, len(names))."""
    if "emeas" not in names:
        return None
    is_emeas = torch.tensor([name == "emeas" for name in names])
    return lambda own: torch.where(is_emeas, torch.where(own.abs() > EMEAS_MAX_GEV, EMEAS_MAX_GEV, own.abs()), own)


def median(density: Tensor, edges: Tensor) -> Tensor:
    """Return medians, shape (n,), GeV, of the probabilities of bins, shape (n, bins), flat within a bin."""
    exact = density.double()
    below = exact.cumsum(dim=1)
    half = 0.5 * below[:, -1:]
    k = (below < half).sum(dim=1, keepdim=True).clamp(max=density.shape[1] - 1)
    own, widths = exact.gather(1, k), edges.diff()
    inside = (half - (below.gather(1, k) - own)) / own.clamp(min=1e-300)
    return (edges[k] + inside * widths[k])[:, 0].float()


def calibrated(columns: Tensors, calibration: Mapping[str, Any], _stored: StoredColumns) -> Tensors:
    """Return ``energy_calibrated``, shape (n,), GeV: with the bias correction of the ensemble, where it has one."""
    bias = BiasCorrection.model_validate(calibration["ensemble"])
    if not bias.ok:
        return {}
    predicted = columns["energy"].double()
    assert bias.a is not None
    if bias.kind == "linear":
        assert bias.b is not None
        return {"energy_calibrated": ((predicted - bias.b) / bias.a).float()}
    assert bias.p is not None and bias.c is not None
    ends = (bias.e_min_gev, bias.e_max_gev)
    at_ends = [bias.a * end**bias.p + bias.c for end in ends]
    energy = ((predicted.clamp(*at_ends) - bias.c) / bias.a) ** (1 / bias.p)
    for end, at_end, beyond in zip(ends, at_ends, (predicted < at_ends[0], predicted > at_ends[1]), strict=True):
        slope = 1 / (bias.a * bias.p * end ** (bias.p - 1))
        energy = torch.where(beyond, end + slope * (predicted - at_end), energy)
    return {"energy_calibrated": energy.float()}


class FixedNorm(nn.Module):
    """A running batch norm in evaluation: a factor and a shift of each channel, and its SiLU."""

    factor: Tensor
    shift: Tensor

    def __init__(self, norm: RunningBatchNorm) -> None:
        super().__init__()
        self.swish = norm.swish
        mean, variance, _ = norm._moments()
        factor = norm.weight.detach() * (variance + norm.eps).rsqrt()
        self.register_buffer("factor", factor)
        self.register_buffer("shift", norm.bias.detach() - mean * factor)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x``, shape (B, C, ...)."""
        if self.swish == "before":
            x = silu(x)
        shape = [-1] + [1] * (x.ndim - 2)
        y = x * self.factor.view(shape) + self.shift.view(shape)
        return silu(y) if self.swish == "after" else y


def with_fixed_norms(network: nn.Module) -> nn.Module:
    """Put :class:`FixedNorm` in the place of each running batch norm; the exporter knows no operation of ours."""
    for name, module in list(network.named_modules()):
        if isinstance(module, RunningBatchNorm):
            network.set_submodule(name, FixedNorm(module))
    return network
