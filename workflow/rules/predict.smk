# What I need: a trained fit and the shards of a block. What I make: the block's predictions.


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
    group:
        "predict"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(2000),
        runtime=30,
    params:
        settings=cut("predict"),
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
    params:
        settings=cut("predict"),
        folds=trained_on_folds,
        n_folds=fold_count,
        code=code("predict", "predict.py"),
