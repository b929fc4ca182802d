"""object_id: electron, jet, muon or tau from two-channel calorimeter sub-images."""

from __future__ import annotations

from hitforge.studies.declaration import Declaration, EntryPoint
from hitforge.studies.object_id.settings import ObjectIdSettings

STUDY = Declaration(
    name="object_id",
    settings=ObjectIdSettings,
    target="label",
    # ntuples to shards
    layout=EntryPoint("data.layout:layout", settings=("image",)),
    inspect=EntryPoint("data.validation:inspect_part", settings=("reader", "image", "cuts")),
    read=EntryPoint("data.reading:read", settings=("reader", "image", "cuts")),
    simulate=EntryPoint("simulation.write:simulate_part", settings=("simulation", "image")),
    # models
    feature_set=EntryPoint("features:feature_set"),
    event_weight=EntryPoint("models.weights:event_weight"),
    network_inputs=EntryPoint("models.inputs:network_inputs", settings=("image",)),
    build_network=EntryPoint("models.networks:build_network", settings=("image",)),
    build_loss=EntryPoint("models.losses:build_loss"),
    output_columns=EntryPoint("models.inputs:output_columns"),
    tree_columns=EntryPoint("models.trees:tree_columns"),
    fit_table=EntryPoint("models.floor:fit_table"),
    table_columns=EntryPoint("models.floor:table_columns"),
    # application to other files
    open_entries=EntryPoint("application:open_entries", settings=("reader", "image", "cuts")),
    friend_columns=EntryPoint("application:friend_columns"),
    onnx_graph=EntryPoint("models.graph:model_graph", settings=("image",)),
    explain=EntryPoint("evaluation.explain:explain", settings=("image", "samples")),
    chapter="report.chapter",
    resolution=EntryPoint("evaluation.binned:resolution"),
)
