"""Fit a lookup table (rule fit_table)."""

from pathlib import Path

from hitforge.folds import TreeFolds
from hitforge.logs import start_log
from hitforge.provenance import content_hash
from hitforge.shard_lists import used_shards
from hitforge.stages.fit_table import fit_table_of
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
fit_table_of(
    load_study(snakemake.wildcards.study, snakemake.params.settings, "fit_table"),
    snakemake.wildcards.fit,
    used_shards(snakemake.input.shards, snakemake.input.inventory),
    TreeFolds.model_validate(snakemake.params.folds),
    Path(snakemake.output[0]),
    content_hash(snakemake.params.settings),
)
