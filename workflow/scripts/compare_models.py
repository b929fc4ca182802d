"""Compute paired differences between the reported models (rule compare_models)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.provenance import content_hash
from hitforge.stages.evaluate import compare, read_plan
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
compare(
    load_study(snakemake.wildcards.study, snakemake.params.settings, "compare"),
    {model: read_plan(plan) for model, plan in snakemake.params.plan.items()},
    snakemake.params.seed,
    Path(snakemake.output[0]),
    content_hash(snakemake.params.settings),
)
