# What is evaluated with what, and what the report is a view of.


def predictions_of(study, fit, sample):
    """Return the prediction files of a fit on a sample."""
    return [f"results/{study}/predictions/{fit}/{sample}/{block}.h5" for block in BLOCKS[study][sample]]


def heldout_predictions(wildcards):
    """Return a fit's predictions on the train sample: its held-out folds."""
    return predictions_of(wildcards.study, wildcards.fit, train_sample(wildcards.study))


def evaluation_plan_of(study, model, trained_on=False):
    """Return what is evaluated: for each evaluation sample its pieces, each with predictions and their calibration.

    Held-out muons are those of fold 0, or, with rotations, every train muon as predicted by the rotation that never
    saw it; test samples are predicted by the main fit. ``trained_on`` is wanted by metrics, not by comparisons.
    """
    settings = SETTINGS.studies[study]
    train = train_sample(study)
    fits = list(settings.fits(model))
    heldout = fits[1:] or fits
    plan = {HELDOUT: [(train, fit) for fit in heldout]}
    plan |= {sample: [(sample, model)] for sample in samples_of(study, "test")}
    planned = {
        name: [
            {
                "predictions": predictions_of(study, fit, sample),
                "calibration": f"results/{study}/calibration/{fit}.json",
                "inventory": f"results/{study}/inventory/{sample}.json",
                # the same muons: a calibration that could be learnt by heart is used crosswise
                "calibrated_on": name == HELDOUT,
            }
            for sample, fit in pieces
        ]
        for name, pieces in plan.items()
    }
    if trained_on and settings.evaluate_training:
        # one block is enough to see whether a model does better on what it was trained on
        first = min(BLOCKS[study][train])
        planned[TRAINED_ON] = [
            {
                "predictions": [f"results/{study}/predictions/{model}/trained_on/{first}.h5"],
                "calibration": f"results/{study}/calibration/{model}.json",
                "inventory": f"results/{study}/inventory/{train}.json",
            }
        ]
    return planned


def files_of(plan):
    """Return all files of an evaluation plan."""
    pieces = [piece for pieces in plan.values() for piece in pieces]
    return {
        "predictions": sorted({path for piece in pieces for path in piece["predictions"]}),
        "calibrations": sorted({piece["calibration"] for piece in pieces}),
        "inventories": sorted({piece["inventory"] for piece in pieces}),
    }


def evaluation_plan(wildcards):
    """Return the evaluation plan of a model."""
    return evaluation_plan_of(wildcards.study, wildcards.model, trained_on=True)


def evaluation_inputs(wildcards):
    """Return the files that the evaluation of a model reads."""
    return files_of(evaluation_plan(wildcards))


def comparison_plan(wildcards):
    """Return the evaluation plan of every reported model."""
    return {model: evaluation_plan_of(wildcards.study, model) for model in reported(wildcards.study)}


def comparison_inputs(wildcards):
    """Return the files that the comparison of the reported models reads."""
    merged = {}
    for plan in comparison_plan(wildcards).values():
        for kind, paths in files_of(plan).items():
            merged[kind] = sorted({*merged.get(kind, []), *paths})
    return merged


def reported(study):
    """Return the models that default targets train and report."""
    return SETTINGS.studies[study].run_models


def manifests(study, kind):
    """Return the manifests of all fits of the reported models of a kind."""
    settings = SETTINGS.studies[study]
    models = [model for model in reported(study) if settings.models[model].kind == kind]
    return [f"results/{study}/models/{fit}/model.json" for model in models for fit in settings.fits(model)]


def reported_predictions(study):
    """Return all predictions of the reported models."""
    plans = [evaluation_plan_of(study, model) for model in reported(study)]
    return sorted({path for plan in plans for path in files_of(plan)["predictions"]})


def reported_metrics(study):
    """Return the metrics of the reported models."""
    return [f"results/{study}/metrics/{model}.json" for model in reported(study)]


def table_files(study):
    """Return the table files of a study and the text of its chapter."""
    tables = load_catalogue(study).tables
    folder = f"results/{study}/tables"
    return [f"{folder}/{name}.{kind}" for name in tables for kind in ("csv", "md", "tex", "json")] + [
        f"{folder}/chapter.json"
    ]


def figure_files(study):
    """Return the figure files of a study, their values and captions."""
    figures = load_catalogue(study).figures
    kinds = ("svg", "pdf", "png", "csv", "json")
    return [f"results/{study}/figures/{name}.{kind}" for name in figures for kind in kinds]


def explained(study):
    """Return the reported models that a study has something to say about beyond their metrics."""
    return reported(study) if declaration_of(study).explain else []


def shown_shards(study):
    """Return a few shards of each sample: enough for distributions, event displays and what models look at."""
    return {sample: sample_shards(study, sample)[:8] for sample in SETTINGS.studies[study].samples}


def samples_to_explain(wildcards):
    """Return the shown shards by sample."""
    return shown_shards(wildcards.study)


def shards_to_explain(wildcards):
    """Return the shown shards as inputs."""
    return [path for few in shown_shards(wildcards.study).values() for path in few]


def scaling_to_explain(wildcards):
    """Return the scaling of a network's main fit; trees take raw features."""
    is_network = wildcards.model in models_of(wildcards.study, "network")
    return scaling_path(wildcards.study, wildcards.model) if is_network else []


def report_settings(study):
    """Return the settings that the report shows or follows: all but the job counts."""
    settings = SETTINGS.studies[study].model_dump(mode="json", exclude={"blocks"})
    settings["models"] = {model: settings["models"][model] for model in reported(study)}
    return settings


def report_paths(study):
    """Return the artefacts that a study's chapter is a view of, by model and by sample."""
    settings = SETTINGS.studies[study]
    return {
        "study": study,
        "settings": report_settings(study),
        "metrics": {model: f"results/{study}/metrics/{model}.json" for model in reported(study)},
        "manifests": {model: f"results/{study}/models/{model}/model.json" for model in reported(study)},
        "calibrations": {model: f"results/{study}/calibration/{model}.json" for model in reported(study)},
        "comparison": f"results/{study}/comparison.json",
        "inventories": {sample: f"results/{study}/inventory/{sample}.json" for sample in settings.samples},
        "shards": shown_shards(study),
        "explain": {model: f"results/{study}/explain/{model}.json" for model in explained(study)},
        "outputs": {model: evaluation_plan_of(study, model) for model in reported(study)},
        "scaling": f"results/{study}/scaling.json",
    }


def report_inputs(study):
    """Return the same artefacts as named inputs."""
    paths = report_paths(study)
    return {
        "metrics": list(paths["metrics"].values()),
        "manifests": list(paths["manifests"].values()),
        "calibrations": list(paths["calibrations"].values()),
        "explain": list(paths["explain"].values()),
        "comparison": paths["comparison"],
        "inventories": list(paths["inventories"].values()),
        "shards": [path for few in paths["shards"].values() for path in few],
        "scaling": paths["scaling"],
    }


def check_frozen(study):
    """Stop early when a frozen study lacks a file that no rule may remake."""
    needed = {f"results/{study}/scaling.json"}
    for model in reported(study):
        for fit in SETTINGS.studies[study].fits(model):
            needed |= {f"results/{study}/models/{fit}/model.json", f"results/{study}/calibration/{fit}.json"}
    missing = sorted(path for path in needed if not Path(path).is_file())
    if missing:
        raise WorkflowError(
            f"{study}: freeze keeps trained models, but {len(missing)} of their files are missing, the first: "
            f"{missing[0]}; set freeze: false to train"
        )


for study in STUDIES:
    if study not in TRAINED:
        check_frozen(study)
