"""Train one member of an ensemble, or continue its training (rule train_member)."""

import os
import sys
from pathlib import Path

from hitforge.logs import start_log
from hitforge.provenance import content_hash
from hitforge.shard_lists import used_shards
from hitforge.stages.train_member import TrainingFolds, train_member_of
from hitforge.studies.base import load_study
from hitforge.training.interruption import Interrupted, JobLimits, slurm_job_started
from hitforge.words import model_of

start_log(snakemake.log[0])
model = model_of(snakemake.wildcards.fit)
study = load_study(
    snakemake.wildcards.study,
    snakemake.params.settings,
    "train_member",
    snakemake.config["beside"][snakemake.wildcards.study].get(model),
)
# only a scheduler ends a job by the clock; a local run may take as long as it needs
runtime = snakemake.resources.runtime if "SLURM_JOB_ID" in os.environ else None
try:
    train_member_of(
        study,
        snakemake.wildcards.fit,
        int(snakemake.wildcards.member),
        used_shards(snakemake.input.shards, snakemake.input.inventory),
        Path(snakemake.input.scaling),
        TrainingFolds.model_validate(snakemake.params.folds),
        snakemake.params.seed,
        snakemake.config.get("device", "auto"),
        Path(snakemake.params.checkpoint),
        Path(snakemake.output.weights),
        content_hash(snakemake.params.settings),
        JobLimits(runtime_minutes=runtime, started=slurm_job_started()),
        snakemake.params.code,
    )
except Interrupted as interruption:
    sys.exit(interruption.exit_code)
