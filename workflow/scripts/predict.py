"""Predict a block of parts (rules predict, predict_on_gpu, predict_trained_on)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.provenance import content_hash
from hitforge.shard_lists import read_shard_lists
from hitforge.stages.predict import predict_block
from hitforge.studies.base import load_study
from hitforge.words import model_of

start_log(snakemake.log[0])
model = model_of(snakemake.wildcards.fit)
study = load_study(
    snakemake.wildcards.study,
    snakemake.params.settings,
    "predict",
    snakemake.config["beside"][snakemake.wildcards.study].get(model),
)
scaling = snakemake.input.get("scaling")
device = snakemake.config.get("device", "auto")
predict_block(
    study,
    Path(snakemake.input.manifest),
    read_shard_lists([snakemake.input.shards]),
    snakemake.params.folds,
    snakemake.params.n_folds,
    Path(scaling) if scaling else None,
    # most predictions ask for no GPU but take one that is there; one that asks must not miss it under device: cuda
    device if snakemake.resources.get("gpu") or device == "cpu" else "auto",
    Path(snakemake.output[0]),
    content_hash(snakemake.params.settings),
)
