# What I need: a trained fit and the shards of a block. What I make: the block's predictions.


# Large networks ask for a GPU and are not grouped: a group would ask for as many GPUs as it has jobs.
ON_GPU = {
    fit
    for study in STUDIES
    if SETTINGS.device != "cpu"
    for fit in fits_of(study, "network")
    if SETTINGS.studies[study].predicts_on_gpu(model_of(fit))
}


rule predict:
    """Predict a block of parts; of the train sample only the folds that the fit never saw."""
    input:
        shards="results/{study}/shards/{sample}/{block}.json",
        manifest="results/{study}/models/{fit}/model.json",
        scaling=scaling_of_networks,
    output:
        "results/{study}/predictions/{fit}/{sample}/{block}.h5",
    log:
        "logs/predict/{study}/{fit}/{sample}/{block}.log",
    benchmark:
        "benchmarks/predict/{study}/{fit}/{sample}/{block}.tsv"
    wildcard_constraints:
        fit=names({fit for study in STUDIES for fit in fits_of(study)} - ON_GPU),
    group:
        "predict"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=30,
    params:
        settings=given("predict"),
        folds=prediction_folds,
        n_folds=fold_count,
        code=code("predict", "predict.py"),
    script:
        "../scripts/predict.py"


use rule predict as predict_trained_on with:
    input:
        shards=train_shards_of_block,
        manifest="results/{study}/models/{fit}/model.json",
        scaling=scaling_of_networks,
    output:
        "results/{study}/predictions/{fit}/trained_on/{block}.h5",
    log:
        "logs/predict/{study}/{fit}/trained_on/{block}.log",
    benchmark:
        "benchmarks/predict/{study}/{fit}/trained_on/{block}.tsv"
    wildcard_constraints:
        fit=names(fit for study in STUDIES for fit in fits_of(study)),
    params:
        settings=given("predict"),
        folds=trained_on_folds,
        n_folds=fold_count,
        code=code("predict", "predict.py"),


use rule predict as predict_on_gpu with:
    input:
        shards="results/{study}/shards/{sample}/{block}.json",
        manifest="results/{study}/models/{fit}/model.json",
        scaling=scaling_of_networks,
    output:
        "results/{study}/predictions/{fit}/{sample}/{block}.h5",
    log:
        "logs/predict_on_gpu/{study}/{fit}/{sample}/{block}.log",
    benchmark:
        "benchmarks/predict_on_gpu/{study}/{fit}/{sample}/{block}.tsv"
    wildcard_constraints:
        fit=names(ON_GPU),
    group:
        "predict_on_gpu"
    threads: loader_threads
    resources:
        gpu=1,
        mem_mb=megabytes(4000),
        runtime=30,
