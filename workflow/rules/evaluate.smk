# What I need: predictions. What I make: calibrations, metrics, paired differences, what models look at.


rule calibrate:
    """Fit the bias correction of a fit on its held-out folds."""
    input:
        predictions=heldout_predictions,
        inventory=train_inventory,
    output:
        "results/{study}/calibration/{fit}.json",
    log:
        "logs/calibrate/{study}/{fit}.log",
    benchmark:
        "benchmarks/calibrate/{study}/{fit}.tsv"
    wildcard_constraints:
        study=names(TRAINED),
    group:
        "evaluate"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=10,
    params:
        settings=given("calibrate"),
        code=code("calibrate", "calibrate.py"),
    script:
        "../scripts/calibrate.py"


rule evaluate:
    """Compute the metrics of a model with their uncertainties."""
    input:
        unpack(evaluation_inputs),
        manifest="results/{study}/models/{model}/model.json",
        independent=independent,
    output:
        "results/{study}/metrics/{model}.json",
    log:
        "logs/evaluate/{study}/{model}.log",
    benchmark:
        "benchmarks/evaluate/{study}/{model}.tsv"
    group:
        "evaluate"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=15,
    params:
        settings=given("evaluate"),
        plan=evaluation_plan,
        seed=SETTINGS.seed,
        code=code("evaluate", "evaluate.py"),
    script:
        "../scripts/evaluate.py"


rule compare_models:
    """Compute paired differences between the reported models on the same events."""
    input:
        unpack(comparison_inputs),
    output:
        "results/{study}/comparison.json",
    log:
        "logs/compare_models/{study}.log",
    benchmark:
        "benchmarks/compare_models/{study}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(4000),
        runtime=30,
    params:
        settings=given("compare"),
        plan=comparison_plan,
        seed=SETTINGS.seed,
        code=code("compare", "compare_models.py"),
    script:
        "../scripts/compare_models.py"


rule explain:
    """Find out what a trained model looks at: whatever of the report needs the model itself."""
    input:
        manifest="results/{study}/models/{model}/model.json",
        scaling=scaling_to_explain,
        shards=shards_to_explain,
    output:
        "results/{study}/explain/{model}.json",
    log:
        "logs/explain/{study}/{model}.log",
    benchmark:
        "benchmarks/explain/{study}/{model}.tsv"
    group:
        "evaluate"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=15,
    params:
        settings=given("explain"),
        samples=samples_to_explain,
        seed=SETTINGS.seed,
        code=code("explain", "explain.py"),
    script:
        "../scripts/explain.py"
