"""Validate a block of parts: one verdict each (rule validate)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.stages.validate import validate_part
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
study = load_study(snakemake.params.study, snakemake.params.settings, "validate")
outputs = zip(snakemake.output.verdicts, snakemake.output.events, strict=True)
for (part, source), (verdict, events) in zip(snakemake.params.parts.items(), outputs, strict=True):
    validate_part(study, part, source, Path(verdict), Path(events))
