"""Train one booster (rule train_trees)."""

from pathlib import Path

from hitforge.folds import TreeFolds
from hitforge.logs import start_log
from hitforge.provenance import content_hash
from hitforge.shard_lists import used_shards
from hitforge.stages.train_trees import train_trees_of
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
train_trees_of(
    load_study(snakemake.wildcards.study, snakemake.params.settings, "train_trees"),
    snakemake.wildcards.fit,
    int(snakemake.wildcards.booster),
    used_shards(snakemake.input.shards, snakemake.input.inventory),
    TreeFolds.model_validate(snakemake.params.folds),
    snakemake.params.seed,
    Path(snakemake.output.booster),
    Path(snakemake.params.trials),
    content_hash(snakemake.params.settings),
)
