"""Describe a run as an RO-Crate (rule describe_run)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.stages.describe_run import describe_run

start_log(snakemake.log[0])
describe_run(Path(snakemake.output[0]).parent, snakemake.params.studies, Path(snakemake.input.page))
