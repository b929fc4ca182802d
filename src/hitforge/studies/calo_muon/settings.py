"""Settings that only calo_muon has; importing this module does not import torch."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from hitforge.config import ModelSettings, StudySettings
from hitforge.settings_base import BootstrapSettings, Settings
from hitforge.studies.calo_muon.data.geometry import Geometry
from hitforge.training.settings import TrainingSettings


class NetworkSettings(Settings):
    """The paper's network and every option of its architecture ablation (arXiv:2107.02119)."""

    cnn: bool = Field(True, description="use the voxel grid; off leaves features and dense layers")
    resolutions: PositiveInt = Field(4, description="number of downsampling stages")
    blocks_per_resolution: PositiveInt = Field(3, description="residual blocks at each resolution")
    full_resolution_blocks: NonNegativeInt = Field(0, description="extra blocks before the first downsampling")
    first_kernel: PositiveInt = Field(
        4, description="kernel size of the first downsampling convolution; even, so that the grids of all paths agree"
    )
    first_channels: PositiveInt = Field(8, description="output channels of the first downsampling block")
    channel_factor: PositiveFloat = Field(1.5, description="growth of the channels at each further downsampling")
    squeeze_excitation: NonNegativeInt = Field(4, description="channel reduction of the SE blocks; 0 is off")
    norm: Literal["running", "nominal", "off"] = Field("running", description="batch normalisation")
    energy_pass: bool = Field(True, description="prepend the summed energy as channel 0 of each block")
    identity_path: bool = Field(True, description="residual shortcut; off leaves the convolution path")
    pooling: bool = Field(True, description="global max and mean pooling; off flattens the grid")
    input_norm: bool = Field(False, description="normalise the first block's input (not its energy channel)")
    coordinates: bool = Field(False, description="concatenate cell coordinates in the first block")
    groups: PositiveInt = Field(1, description="groups of the bottlenecks' 3x3x3 convolution")
    bottleneck: bool = Field(False, description="1-3-1 bottleneck convolutions in non-downsampling blocks")
    dense_width: PositiveInt = Field(80, description="units of each dense layer")
    dense_layers: PositiveInt = Field(3, description="dense layers before the output")

    @model_validator(mode="after")
    def _consistent(self) -> NetworkSettings:
        if self.first_kernel % 2:
            raise ValueError(f"first_kernel = {self.first_kernel} must be even: odd kernels give another grid size")
        if self.groups > 1 and not self.bottleneck:
            raise ValueError("groups > 1 needs bottleneck: true, whose width is a multiple of the groups")
        return self


class LayerNetworkSettings(Settings):
    """A small network on the layers' profiles and the features (ours)."""

    channels: PositiveInt = Field(48, description="channels of the convolutions along the layers")
    kernel: PositiveInt = Field(4, description="kernel size of the first convolution, in layers")
    stride: PositiveInt = Field(2, description="stride of the first convolution, in layers")
    blocks: NonNegativeInt = Field(2, description="residual blocks of two convolutions")
    dense_width: PositiveInt = Field(96, description="units of each dense layer")
    dense_layers: PositiveInt = Field(2, description="dense layers before the output")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout after each dense layer")


class WeightSettings(Settings):
    """Sigmoid down-weighting of high energies (arXiv:2107.02119, event weights): fixed, never read off the data."""

    offset_gev: PositiveFloat = Field(5000.0, description="energy of weight one half, in GeV")
    width_below_gev: PositiveFloat = Field(300.0, description="width of the sigmoid below the offset, in GeV")
    width_above_gev: PositiveFloat = Field(600.0, description="width of the sigmoid above the offset, in GeV")


class LayerSettings(Settings):
    """Profiles of the showers around the track, layer by layer: the tensor ``layers`` and the feature set of that name.

    They are made from the hits and the entry point; see docs/calo-muon.md.
    """

    rings_mm: tuple[PositiveFloat, ...] = Field(
        (2.5, 5.0, 8.0, 12.0, 18.0, 27.0, 40.0),
        description="upper edges of rings of distance from the track, in mm; one more ring holds the rest",
    )
    cell_thresholds_gev: tuple[PositiveFloat, ...] = Field(
        (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0), description="cells above each of these are counted, in GeV"
    )
    class_edges_gev: tuple[PositiveFloat, ...] = Field(
        (0.01, 0.1), description="edges of classes of cells whose energies are summed, in GeV"
    )
    largest_cells: NonNegativeInt = Field(3, description="so many of the largest cells of a layer")
    floor_gev: PositiveFloat = Field(1e-4, description="energies enter networks as log(1 + E / floor), in GeV")

    @model_validator(mode="after")
    def _edges_rise(self) -> LayerSettings:
        for name in ("rings_mm", "cell_thresholds_gev", "class_edges_gev"):
            edges = getattr(self, name)
            if any(b <= a for a, b in itertools.pairwise(edges)):
                raise ValueError(f"layers.{name} must rise: {list(edges)}")
        return self


class DensitySettings(Settings):
    """The grid of every density of the energy: bins that are equal in sqrt(E)."""

    bins: int = Field(64, ge=8, description="number of bins, equal in the square root of the energy")
    low_gev: PositiveFloat = Field(50.0, description="lower end, also of the flat spectrum that is known beforehand")
    high_gev: PositiveFloat = Field(8000.0, description="upper end, likewise, in GeV")

    @model_validator(mode="after")
    def _is_a_range(self) -> DensitySettings:
        if not self.low_gev < self.high_gev:
            raise ValueError(f"low_gev ({self.low_gev}) must lie below high_gev ({self.high_gev})")
        return self

    def edges_gev(self) -> NDArray[np.float64]:
        """Return the edges of the bins, shape (bins + 1,), GeV."""
        edges = np.linspace(self.low_gev**0.5, self.high_gev**0.5, self.bins + 1) ** 2
        # the ends as they were given: a muon of exactly that energy is inside
        edges[0], edges[-1] = self.low_gev, self.high_gev
        return edges


class EvaluationSettings(BootstrapSettings):
    """Bins, bias correction and bootstrap (arXiv:2107.02119, bias correction and resolution)."""

    e_min_gev: PositiveFloat = Field(100.0, description="lower edge of the bias fit and of the resolution bins, in GeV")
    e_max_gev: PositiveFloat = Field(
        4000.0, description="upper edge of the resolution bins (and of the bias fit), in GeV"
    )
    correction: Literal["linear", "power"] = Field(
        "linear", description="linear for 100-4000 GeV, power law for 100-8000 GeV"
    )
    fit_max_gev: PositiveFloat | None = Field(
        None, description="upper edge of the bias fit in GeV, where it is not e_max_gev (8000 with the power law)"
    )
    fit_bins: PositiveInt = Field(39, description="bins of the bias fit, left-closed (79 for 100-8000 GeV)")
    min_per_fit_bin: int = Field(20, ge=2, description="neighbouring fit bins merge until they hold so many events")
    resolution_bins: PositiveInt = Field(20, description="bins of the resolution, right-closed")
    min_per_bin: PositiveInt = Field(5, description="a resolution bin with fewer events gives null with its reason")
    tracker_per_gev: PositiveFloat = Field(2e-4, description="relative resolution of the tracker divided by E/GeV")
    test_energies_gev: tuple[float, ...] = Field(
        tuple(100.0 + 400.0 * i for i in range(11)), description="discrete energies of the test sample, in GeV"
    )
    tracker: Literal["energy", "curvature"] = Field(
        "energy", description="what the simulated tracker measures with a Gaussian error: the energy or its inverse"
    )
    gain_bins: PositiveInt = Field(8, description="bins of e_min_gev-e_max_gev in which the measured gain is taken")

    @property
    def fit_range_gev(self) -> tuple[float, float]:
        """Lower and upper edge of the bias fit."""
        return self.e_min_gev, self.e_max_gev if self.fit_max_gev is None else self.fit_max_gev

    @model_validator(mode="after")
    def _ranges_are_ordered(self) -> EvaluationSettings:
        if not self.e_min_gev < self.e_max_gev:
            raise ValueError(f"e_min_gev ({self.e_min_gev}) must lie below e_max_gev ({self.e_max_gev})")
        if not self.e_min_gev < self.fit_range_gev[1]:
            raise ValueError(f"e_min_gev ({self.e_min_gev}) must lie below fit_max_gev ({self.fit_max_gev})")
        return self


class SimulationSettings(Settings):
    """The embedded fast simulation: what is generated and how it is written."""

    backend: Literal["fast"] = Field("fast", description="the embedded simulation; Geant4 is not shipped")
    e_min_gev: PositiveFloat = Field(50.0, description="lower end of the flat spectrum, in GeV")
    e_max_gev: PositiveFloat = Field(8000.0, description="upper end of the flat spectrum, in GeV")
    discrete_energies_gev: tuple[float, ...] = Field(
        tuple(100.0 + 400.0 * i for i in range(11)), description="energies of samples with spectrum: discrete, in GeV"
    )
    xy_half_width_mm: NonNegativeFloat = Field(
        20.0, description="half side of the square that entry points fill uniformly, in mm"
    )
    layout: Literal["b4", "compact"] = Field("b4", description="the original's dense tree, or hits only")
    full_branches: bool = Field(False, description="also write coordinates, layers and cell sizes (B4 only)")


class LossSettings(Settings):
    """Loss of a regression network (arXiv:2107.02119; the variants are the paper's loss ablation)."""

    kind: Literal["squared", "log", "density"] = Field(
        "squared",
        description="squared error of the target, or of its logarithm, which the network then gives, or "
        "cross entropy of the bin of the energy: the network gives a density",
    )
    target_power: float = Field(
        -1.0, description="the error is weighed with the target to this power; -1 divides by it, as published"
    )
    huber: Literal["running", "batchwise", "fixed", "off"] = Field(
        "running",
        description="threshold of each target bin: running average over batches, of the batch alone, "
        "frozen after the first epoch, or no Huberisation",
    )
    bin_edges: tuple[float, ...] = Field(
        (50.0, 1640.0, 3230.0, 4820.0, 6410.0, 8000.0),
        description="target bins of the thresholds, left-closed, in units of the target",
    )
    quantile: float = Field(0.68, gt=0, lt=1, description="quantile of the squared errors that sets a threshold")
    momentum: float = Field(0.1, gt=0, le=1, description="weight of the newest batch in a running threshold")
    weighted: bool = Field(True, description="apply the study's event weights (not to a density)")
    smearing: float = Field(
        0.5, ge=0, lt=1, description="part of a label that goes to the two neighbouring bins of a density"
    )
    update_in_validation: bool = Field(
        False, description="let validation batches move the thresholds, as the original code does"
    )


class CaloTrainingSettings(TrainingSettings):
    """How the members of a network model are trained, and what the training minimises."""

    loss: LossSettings = Field(LossSettings(), description="what the training minimises")


class CaloModelSettings(ModelSettings):
    """A model of calo_muon: the shared blocks and, for networks, the architecture."""

    features: Literal["default", "filtered", "esum", "layers", "none"] = Field(
        "default",
        description="high-level features, with layers those and the layer summaries; none leaves the hits alone",
    )
    training: CaloTrainingSettings = CaloTrainingSettings()
    network: NetworkSettings = Field(NetworkSettings(), description="the paper's architecture, where kind is network")
    layer_network: LayerNetworkSettings | None = Field(
        None, description="a network on the layers' profiles in place of the paper's"
    )

    @model_validator(mode="after")
    def _has_input(self) -> CaloModelSettings:
        on_hits = self.layer_network is not None or self.network.cnn
        if self.features == "none" and (self.kind == "trees" or not on_hits):
            raise ValueError("features: none leaves this model without input")
        if self.layer_network is None and self.training.loss.kind == "density":
            raise ValueError("loss kind: density needs a layer_network, the paper's network has a single output")
        return self


class CaloMuonSettings(StudySettings):
    """All settings of the study."""

    geometry: str | Geometry = Field(
        "pbwo4_40.64mm", description="a shipped geometry by name, the path of a YAML file, or its content"
    )
    layers: LayerSettings = Field(LayerSettings(), description="profiles of the showers along the muon's path")
    weights: WeightSettings = Field(WeightSettings(), description="event weights of all trainings")
    density: DensitySettings = Field(DensitySettings(), description="grid of every density of the energy")
    evaluation: EvaluationSettings = Field(EvaluationSettings(), description="bins, correction and bootstrap")
    simulation: SimulationSettings = Field(SimulationSettings(), description="of samples with source: simulate")
    detail_models: tuple[str, ...] = Field(
        (), description="models that the figure of resolutions compares, from little to much detail of the showers"
    )
    models: Mapping[str, CaloModelSettings] = Field({}, description="models by name; base: other inherits")

    @model_validator(mode="after")
    def _compared_models_are_known(self) -> CaloMuonSettings:
        for name in self.detail_models:
            if name not in self.models:
                raise ValueError(
                    f"detail_models: model {name!r} is not defined; known: {', '.join(sorted(self.models))}"
                )
        return self

    def predicts_on_gpu(self, model: str) -> bool:
        """Whether a model has convolutions of the voxel grid: on a CPU a muon takes it milliseconds."""
        own = self.models[model]
        return own.kind == "network" and own.layer_network is None and own.network.cnn
