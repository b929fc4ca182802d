"""Bind the tables and figures of all studies into one page (rule make_report)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.stages.bind_report import make_report

start_log(snakemake.log[0])
make_report(
    Path("results"),
    snakemake.params.studies,
    Path("benchmarks"),
    snakemake.params.run,
    Path(snakemake.params.previous),
    Path(snakemake.output[0]),
)
