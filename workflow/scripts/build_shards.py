"""Build the shards of a block of parts and list them (rule build_shards)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.provenance import content_hash
from hitforge.shard_lists import write_shard_list
from hitforge.stages.build_shard import build_shard
from hitforge.studies.base import load_study
from hitforge.validation import read_verdict

start_log(snakemake.log[0])
study = load_study(snakemake.params.study, snakemake.params.settings, "build_shard")
config_hash = content_hash(snakemake.params.settings)
shards = [Path(path) for path in snakemake.output.shards]
for verdict, shard in zip(snakemake.input.verdicts, shards, strict=True):
    build_shard(study, snakemake.params.sample, read_verdict(Path(verdict)), shard, config_hash)
write_shard_list(Path(snakemake.output.listing), shards)
