"""Fit a correction on held-out events (rule calibrate)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.provenance import content_hash
from hitforge.stages.evaluate import calibrate
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
calibrate(
    load_study(snakemake.wildcards.study, snakemake.params.settings, "calibrate"),
    [Path(path) for path in snakemake.input.predictions],
    Path(snakemake.input.inventory),
    Path(snakemake.output[0]),
    content_hash(snakemake.params.settings),
)
