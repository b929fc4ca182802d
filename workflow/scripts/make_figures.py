"""Draw the figures of a study's chapter (rule make_figures)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.stages.report import make_figures
from hitforge.stages.report_inputs import read_inputs
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
inputs = read_inputs(snakemake.params.inputs)
make_figures(load_study(inputs.study, inputs.settings), inputs, Path(snakemake.output[0]).parent)
