"""Write the manifest of a fit (rule assemble_model)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.provenance import content_hash
from hitforge.stages.assemble import assemble_model
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
assemble_model(
    load_study(snakemake.wildcards.study, snakemake.params.settings, "assemble"),
    snakemake.wildcards.fit,
    [Path(path) for path in snakemake.input.members],
    Path(snakemake.output[0]),
    content_hash(snakemake.params.settings),
)
