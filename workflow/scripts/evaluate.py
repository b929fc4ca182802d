"""Compute the metrics of a model (rule evaluate)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.provenance import content_hash
from hitforge.stages.evaluate import evaluate, read_plan
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
evaluate(
    load_study(snakemake.wildcards.study, snakemake.params.settings, "evaluate"),
    snakemake.wildcards.model,
    read_plan(snakemake.params.plan),
    Path(snakemake.input.manifest),
    snakemake.params.seed,
    Path(snakemake.output[0]),
    content_hash(snakemake.params.settings),
)
