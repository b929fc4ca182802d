"""Decide which parts of a sample are used (rule take_inventory)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.stages.validate import make_inventory

start_log(snakemake.log[0])
make_inventory(
    snakemake.wildcards.study,
    snakemake.wildcards.sample,
    [Path(path) for path in snakemake.input.verdicts],
    [Path(path) for path in snakemake.input.events],
    snakemake.params.policy,
    snakemake.params.max_bad_fraction,
    Path(snakemake.output.inventory),
    Path(snakemake.output.events),
    Path(snakemake.params.memory),
)
