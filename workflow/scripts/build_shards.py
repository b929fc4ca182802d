"""Build the shards of a block of parts (rule build_shards)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.provenance import content_hash
from hitforge.stages.build_shard import build_shard
from hitforge.studies.base import load_study
from hitforge.validation import read_verdict

start_log(snakemake.log[0])
study = load_study(snakemake.params.study, snakemake.params.settings)
for verdict, shard in zip(snakemake.input.verdicts, snakemake.output, strict=True):
    config_hash = content_hash(snakemake.params.settings)
    build_shard(study, snakemake.params.sample, read_verdict(Path(verdict)), Path(shard), config_hash)
