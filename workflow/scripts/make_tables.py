"""Write the tables of a study's chapter (rule make_tables)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.stages.report import make_tables
from hitforge.stages.report_inputs import read_inputs
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
inputs = read_inputs(snakemake.params.inputs)
make_tables(load_study(inputs.study, inputs.settings), inputs, Path(snakemake.output[0]).parent)
