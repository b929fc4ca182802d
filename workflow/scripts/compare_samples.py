"""Look for events that several samples have in common (rule compare_samples)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.stages.validate import compare_study

start_log(snakemake.log[0])
roles = snakemake.params.roles
compare_study(
    snakemake.wildcards.study,
    {sample: Path(path) for sample, path in zip(roles, snakemake.input, strict=True)},
    roles,
    snakemake.params.policy,
    Path(snakemake.output[0]),
)
