"""Write the tables of a study's chapter (rule make_tables)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.reporting.catalogue import load_catalogue
from hitforge.stages.report_inputs import read_inputs
from hitforge.stages.report_tables import make_tables

start_log(snakemake.log[0])
inputs = read_inputs(snakemake.params.inputs)
make_tables(load_catalogue(inputs.study), inputs, Path(snakemake.output[0]).parent)
