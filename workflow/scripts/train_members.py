"""Train some members of an ensemble side by side, or continue their trainings (rules train_members_*)."""

import os
import sys

from hitforge.logs import start_log
from hitforge.provenance import content_hash
from hitforge.shard_lists import used_shards
from hitforge.stages.train_members import MemberJob, train_members
from hitforge.training.interruption import Interrupted, slurm_job_started
from hitforge.words import model_of

start_log(snakemake.log.job)
params, log = snakemake.params, snakemake.log
jobs = [
    MemberJob(
        study=params.study,
        settings=params.settings,
        beside=snakemake.config["beside"][params.study][model_of(params.fit)],
        fit=params.fit,
        member=member,
        shards=used_shards(snakemake.input.shards, snakemake.input.inventory),
        scaling=snakemake.input.scaling,
        folds=params.folds[i],
        seed=params.seed,
        device=snakemake.config.get("device", "auto"),
        checkpoint=params.checkpoints[i],
        out=snakemake.output.weights[i],
        config_hash=content_hash(params.settings),
        # only a scheduler ends a job by the clock; a local run may take as long as it needs
        runtime_minutes=snakemake.resources.runtime if "SLURM_JOB_ID" in os.environ else None,
        started=slurm_job_started(),
        code=params.code_of_member,
        log=log.members[i] if isinstance(log.members, list) else log.members,
    )
    for i, member in enumerate(params.members)
]
try:
    train_members(jobs)
except Interrupted as interruption:
    sys.exit(interruption.exit_code)
