"""csc_muon: transverse momentum of endcap muons from trigger primitives."""

from __future__ import annotations

from hitforge.studies.csc_muon.settings import CscMuonSettings
from hitforge.studies.declaration import Declaration, EntryPoint

STUDY = Declaration(
    name="csc_muon",
    settings=CscMuonSettings,
    target="q_over_pt",
    own_weight="weight",
    chapter="report.chapter",
    # ---- ntuples to shards
    layout=EntryPoint("features:layout"),
    inspect=EntryPoint("data.validation:inspect_part", settings=("reader", "cuts")),
    read=EntryPoint("data.reading:read", settings=("reader", "cuts")),
    simulate=EntryPoint("simulation.write:simulate_part", settings=("simulation",)),
    # ---- models
    feature_set=EntryPoint("features:feature_set"),
    visible_features=EntryPoint("data.derived:visible_features"),
    event_weight=EntryPoint("models.targets:event_weight"),
    network_inputs=EntryPoint("models.inputs:network_inputs"),
    build_network=EntryPoint("models.network:build_network"),
    build_loss=EntryPoint("models.losses:build_loss"),
    output_columns=EntryPoint("models.inputs:output_columns"),
    combine=EntryPoint("models.inputs:combine"),
    booster_tasks=EntryPoint("models.trees:booster_tasks"),
    tree_columns=EntryPoint("models.trees:tree_columns"),
    fit_table=EntryPoint("models.lookup:fit_lookup"),
    table_columns=EntryPoint("models.lookup:lookup_columns"),
    onnx_graph=EntryPoint("models.graph:model_graph"),
    resolution=EntryPoint("evaluation.binned:resolution"),
    # ---- application to other files
    open_entries=EntryPoint("application:open_entries", settings=("reader", "cuts")),
    friend_columns=EntryPoint("application:friend_columns"),
)
