"""calo_muon: energy of 50-8000 GeV muons from radiative losses in a calorimeter (arXiv:2107.02119)."""

from __future__ import annotations

from hitforge.studies.calo_muon.settings import CaloMuonSettings
from hitforge.studies.declaration import Declaration, EntryPoint

STUDY = Declaration(
    name="calo_muon",
    settings=CaloMuonSettings,
    target="energy",
    layout=EntryPoint("features:layout", settings=("geometry", "layers")),
    inspect=EntryPoint("data.validation:inspect_part", settings=("geometry",)),
    read=EntryPoint("data.reading:read", settings=("geometry", "layers")),
    simulate=EntryPoint("simulation.write:simulate_part", settings=("geometry", "simulation")),
    feature_set=EntryPoint("features:feature_set", settings=("layers",)),
    clip_features=EntryPoint("features:clip_features"),
    visible_features=EntryPoint("features:visible_features"),
    event_weight=EntryPoint("models.weights:event_weight", settings=("weights",)),
    uses_voxels=EntryPoint("models.inputs:uses_voxels"),
    hit_tensors=EntryPoint("models.inputs:hit_tensors", settings=("geometry", "layers")),
    build_network=EntryPoint("models.networks.build:build_network", settings=("geometry", "layers", "density")),
    build_loss=EntryPoint("models.losses:build_loss", settings=("density",)),
    output_columns=EntryPoint("models.inputs:output_columns", settings=("density",)),
    combine=EntryPoint("models.inputs:combine", settings=("density",)),
    ensemble_weights=EntryPoint("models.inputs:ensemble_weights"),
    network_operations=EntryPoint("models.networks.build:multiply_adds", settings=("geometry", "layers")),
    describe_network=EntryPoint("models.networks.network:describe_network"),
    onnx_graph=EntryPoint("models.graph:model_graph", settings=("density",)),
    calibrate=EntryPoint(
        "evaluation.calibration:calibrate", settings=("evaluation", "density"), without=("evaluation.bootstraps",)
    ),
    calibrated=EntryPoint("evaluation.calibration:calibrated", settings=("evaluation",)),
    evaluate=EntryPoint("evaluation.metrics:evaluate_model", settings=("evaluation",)),
    compare=EntryPoint("evaluation.comparison:compare_models", settings=("evaluation",)),
    portable_settings=EntryPoint("data.geometry:portable_settings"),
    open_entries=EntryPoint("application:open_entries", settings=("geometry", "layers")),
    friend_columns=EntryPoint("application:friend_columns"),
    resolution=EntryPoint("evaluation.binned:resolution"),
    chapter="report.chapter",
)
