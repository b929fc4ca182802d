"""Draw the figures of a study's chapter (rule make_figures)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.reporting.catalogue import load_catalogue
from hitforge.stages.report_figures import make_figures
from hitforge.stages.report_inputs import read_inputs

start_log(snakemake.log[0])
inputs = read_inputs(snakemake.params.inputs)
make_figures(load_catalogue(inputs.study), inputs, Path(snakemake.output[0]).parent)
