"""Fit the feature scaling (rules fit_scaling, fit_rotation_scaling)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.shard_lists import used_shards
from hitforge.stages.fit_scaling import fit_scaling_of
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
fit_scaling_of(
    load_study(snakemake.wildcards.study, snakemake.params.settings, "fit_scaling"),
    used_shards(snakemake.input.shards, snakemake.input.inventory),
    snakemake.params.n_folds,
    snakemake.params.held_out,
    Path(snakemake.output[0]),
)
