"""Simulate a block of parts (rule simulate)."""

import logging
from pathlib import Path

from hitforge.config import SampleSettings
from hitforge.logs import start_log
from hitforge.stages.simulate import simulate_part
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
log = logging.getLogger("hitforge.simulate")
study = load_study(snakemake.params.study, snakemake.params.settings, "simulate")
sample = SampleSettings.model_validate({"role": "train", "parts": 1, **snakemake.params.sample})


def progress(done: int, total: int) -> None:
    """Log how far a part is."""
    log.info("%d of %d events", done, total)


for index, path in zip(snakemake.params.indices, snakemake.output, strict=True):
    simulate_part(study, snakemake.params.sample_name, sample, index, snakemake.params.seed, Path(path), progress)
    log.info("%s is there", path)
