# What I need: a trained, calibrated and evaluated model. What I make: one file with all that it takes to apply it.


def packed_scaling(wildcards):
    """Return the scaling of a network's main fit; trees and tables take raw features."""
    is_network = wildcards.model in models_of(wildcards.study, "network")
    return scaling_path(wildcards.study, wildcards.model) if is_network else []


def origin_of(wildcards):
    """Return what a package says of the run that it is from."""
    study, model = wildcards.study, wildcards.model
    settings, sample = SETTINGS.studies[study], train_sample(study)
    return {
        "description": settings.models[model].description,
        "preset": config.get("preset") or "",
        "sample": sample,
        "sources": settings.samples[sample].sources,
        "hashes": {stage: content_hash(given_to(study, stage, model)) for stage in MADE_BY.values()},
    }


rule pack:
    """Pack a trained model into one file."""
    input:
        manifest="results/{study}/models/{model}/model.json",
        scaling=packed_scaling,
        calibration="results/{study}/calibration/{model}.json",
        metrics="results/{study}/metrics/{model}.json",
        inventory=train_inventory,
        shards=train_shards,
    output:
        "results/{study}/packages/{model}.hitforge.zip",
    log:
        "logs/pack/{study}/{model}.log",
    benchmark:
        "benchmarks/pack/{study}/{model}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=10,
    params:
        settings=given("apply"),
        origin=origin_of,
        code=code("pack", "pack.py"),
    script:
        "../scripts/pack.py"
