# What I need: train shards. What I make: the boosters or the lookup table of a fit.


rule train_trees:
    """Train one booster of a fit; a tuned model searches its hyper-parameters first."""
    input:
        shards=train_shards,
        inventory=train_inventory,
    output:
        booster="results/{study}/models/{fit}/booster_{booster}.ubj",
        history="results/{study}/models/{fit}/booster_{booster}.json",
    log:
        "logs/train_trees/{study}/{fit}/booster_{booster}.log",
    benchmark:
        "benchmarks/train_trees/{study}/{fit}/booster_{booster}.tsv"
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
        settings=given("train_trees"),
        folds=folds_of_trees,
        seed=SETTINGS.seed,
        trials="results/{study}/checkpoints/{fit}/trials_{booster}.json",
        code=code("train_trees", "train_trees.py"),
    message:
        "Training booster {wildcards.booster} of {wildcards.fit} ({wildcards.study})"
    script:
        "../scripts/train_trees.py"


rule fit_table:
    """Fit a lookup table or formula of a study on the folds that boosted trees train on."""
    input:
        shards=train_shards,
        inventory=train_inventory,
    output:
        "results/{study}/models/{fit}/table_0.json",
    log:
        "logs/fit_table/{study}/{fit}.log",
    benchmark:
        "benchmarks/fit_table/{study}/{fit}.tsv"
    wildcard_constraints:
        study=names(TRAINED),
        fit=names(fit for study in STUDIES for fit in fits_of(study, "table")),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(2000),
        runtime=30,
    params:
        settings=given("fit_table"),
        folds=folds_of_trees,
        code=code("fit_table", "fit_table.py"),
    script:
        "../scripts/fit_table.py"
