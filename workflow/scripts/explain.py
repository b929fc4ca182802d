"""Find out what a trained model looks at (rule explain)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.stages.explain import explain
from hitforge.studies.base import TrainedModel, load_study

start_log(snakemake.log[0])
model, scaling = snakemake.wildcards.model, snakemake.input.get("scaling")
trained = TrainedModel(
    study=load_study(
        snakemake.wildcards.study,
        snakemake.params.settings,
        "explain",
        snakemake.config["beside"][snakemake.wildcards.study].get(model),
    ),
    manifest=Path(snakemake.input.manifest),
    scaling=Path(scaling) if scaling else None,
    shards={sample: [Path(path) for path in few] for sample, few in snakemake.params.samples.items()},
    seed=snakemake.params.seed,
)
explain(trained, model, Path(snakemake.output[0]), snakemake.params.settings)
