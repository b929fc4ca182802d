"""Pack a trained model into one file (rule pack)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.stages.pack import Origin, Pieces, pack_model
from hitforge.studies.base import load_study

start_log(snakemake.log[0])
scaling = snakemake.input.get("scaling")
pack_model(
    load_study(snakemake.wildcards.study, snakemake.params.settings, "pack"),
    snakemake.wildcards.model,
    snakemake.params.settings,
    Pieces(
        manifest=Path(snakemake.input.manifest),
        scaling=Path(scaling) if scaling else None,
        calibration=Path(snakemake.input.calibration),
        metrics=Path(snakemake.input.metrics),
        inventory=Path(snakemake.input.inventory),
        shards=tuple(map(Path, snakemake.input.shards)),
    ),
    Origin(**snakemake.params.origin),
    Path(snakemake.output[0]),
)
