# What I need: train shards and their inventory. What I make: the feature scaling of each fit.


rule fit_scaling:
    """Fit the feature scaling on all train events outside the held-out folds."""
    input:
        shards=train_shards,
        inventory=train_inventory,
    output:
        "results/{study}/scaling.json",
    log:
        "logs/fit_scaling/{study}.log",
    benchmark:
        "benchmarks/fit_scaling/{study}.tsv"
    wildcard_constraints:
        study=names(TRAINED),
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=20,
    params:
        settings=given("fit_scaling"),
        n_folds=fold_count,
        held_out=scaling_folds,
        code=code("fit_scaling", "fit_scaling.py"),
    script:
        "../scripts/fit_scaling.py"


use rule fit_scaling as fit_rotation_scaling with:
    output:
        "results/{study}/scaling/rotation_{rotation}.json",
    log:
        "logs/fit_scaling/{study}/rotation_{rotation}.log",
    benchmark:
        "benchmarks/fit_scaling/{study}/rotation_{rotation}.tsv"
