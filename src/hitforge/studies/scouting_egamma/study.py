"""scouting_egamma: energies of electrons and photons from the calorimeter data stored by the trigger."""

from __future__ import annotations

from hitforge.studies.declaration import Declaration, EntryPoint
from hitforge.studies.scouting_egamma.settings import ScoutingEgammaSettings

STUDY = Declaration(
    name="scouting_egamma",
    settings=ScoutingEgammaSettings,
    target="y",
    own_weight="weight",
    chapter="report.chapter",
    # ntuples to shards
    layout=EntryPoint("features:layout"),
    inspect=EntryPoint("data.validation:inspect_part", settings=("reader",)),
    read=EntryPoint("data.reading:read", settings=("reader",)),
    simulate=EntryPoint("simulation.write:simulate_part", settings=("simulation",)),
    # models
    feature_set=EntryPoint("features:feature_set"),
    event_weight=EntryPoint("models.weights:event_weight"),
    network_inputs=EntryPoint("models.inputs:network_inputs"),
    build_network=EntryPoint("models.network:build_network"),
    build_loss=EntryPoint("models.losses:CorrectionLoss"),
    output_columns=EntryPoint("models.inputs:output_columns"),
    combine=EntryPoint("models.inputs:combine"),
    booster_tasks=EntryPoint("models.trees:booster_tasks"),
    tree_columns=EntryPoint("models.trees:tree_columns"),
    fit_table=EntryPoint("models.lookup:fit_lookup"),
    table_columns=EntryPoint("models.lookup:lookup_columns"),
    # application to other files
    open_entries=EntryPoint("application:open_entries", settings=("reader",)),
    friend_columns=EntryPoint("application:friend_columns"),
    onnx_graph=EntryPoint("models.graph:model_graph"),
    explain=EntryPoint("evaluation.explain:explain", settings=("samples",)),
    resolution=EntryPoint("evaluation.binned:resolution"),
)
