# What I need: a trained, calibrated and evaluated model. What I make: one file with all that it takes to apply it.


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
