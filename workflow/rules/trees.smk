# What I need: train shards. What I make: boosted trees and their manifest.


rule train_trees:
    """Train the boosted trees of a fit; a tuned model searches its hyper-parameters first."""
    input:
        shards=train_shards,
        inventory=train_inventory,
    output:
        booster="results/{study}/models/{fit}/booster_0.ubj",
        history="results/{study}/models/{fit}/booster_0.json",
        manifest="results/{study}/models/{fit}/model.json",
    log:
        "logs/train_trees/{study}/{fit}.log",
    benchmark:
        "benchmarks/train_trees/{study}/{fit}.tsv"
    wildcard_constraints:
        study=names(TRAINED),
        fit=names(fit for study in STUDIES for fit in fits_of(study, "trees")),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(2000),
        runtime=tree_runtime,
    params:
        settings=cut("train_trees"),
        folds=tree_folds,
        seed=SETTINGS.seed,
        trials="results/{study}/checkpoints/{fit}/trials.json",
        code=code("train_trees", "train_trees.py"),
    script:
        "../scripts/train_trees.py"
