"""Simulate one part (rule simulate_part)."""

import logging
from pathlib import Path

from hitforge.config import SampleSettings
from hitforge.logs import start_log
from hitforge.stages.simulate import simulate_part
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
log = logging.getLogger("hitforge.simulate")


def progress(done: int, total: int) -> None:
    log.info("%d of %d events", done, total)


simulate_part(
    load_study(snakemake.wildcards.study, snakemake.params.settings),
    snakemake.wildcards.sample,
    SampleSettings.model_validate({"role": "train", "parts": 1, **snakemake.params.sample}),
    snakemake.params.index,
    snakemake.params.seed,
    Path(snakemake.output[0]),
    progress,
)
