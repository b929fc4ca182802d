# Input and params functions: which files and which scalars a job gets.


def every_block():
    """Yield (study, sample, block, parts) of all blocks."""
    for study in STUDIES:
        for sample, blocks in BLOCKS[study].items():
            for block, parts in blocks.items():
                yield study, sample, block, parts


def parts_of(study, sample):
    """Return all parts of a sample, sorted by id."""
    return sorted(
        (part for parts in BLOCKS[study][sample].values() for part in parts),
        key=lambda part: part.id,
    )


def address(study, sample, part):
    """Return what the readers open: the part's source, or the simulated file."""
    return part.source or f"results/{study}/ntuples/{sample}/{part.id}.root"


def local_file(study, sample, part):
    """Return the file that the engine can check, or nothing for a remote part."""
    if part.source is None:
        return [address(study, sample, part)]
    return [part.local_path] if part.is_local else []


def file_state(part):
    """Return (size, mtime) of a local source: a replaced part is noticed even when its file is older."""
    if part.source is None or not part.is_local or not Path(part.local_path).exists():
        return None
    state = Path(part.local_path).stat()
    return [state.st_size, state.st_mtime_ns]


def sample_settings(study, sample):
    """Return the settings of a sample without its number of parts: more parts change no part."""
    return SETTINGS.studies[study].samples[sample].model_dump(mode="json", exclude={"parts", "role"})


def sample_verdicts(wildcards):
    """Return the verdicts of a sample."""
    parts = parts_of(wildcards.study, wildcards.sample)
    return [f"results/{wildcards.study}/verdicts/{wildcards.sample}/{part.id}.json" for part in parts]


def sample_shards(study, sample):
    """Return the shards of a sample."""
    return [f"results/{study}/shards/{sample}/{part.id}.h5" for part in parts_of(study, sample)]


def train_shards(wildcards):
    """Return the lists of the train sample's shards."""
    study, sample = wildcards.study, train_sample(wildcards.study)
    return [f"results/{study}/shards/{sample}/{block}.json" for block in BLOCKS[study][sample]]


def train_inventory(wildcards):
    """Return the inventory of the train sample."""
    return f"results/{wildcards.study}/inventory/{train_sample(wildcards.study)}.json"


def scaling_of(wildcards):
    """Return the scaling of a fit: each rotation has its own."""
    rotation = wildcards.fit.partition("/")[2]
    study = wildcards.study
    return f"results/{study}/scaling/{rotation}.json" if rotation else f"results/{study}/scaling.json"


def scaling_of_networks(wildcards):
    """Return the scaling of a network's fit; trees take raw features."""
    return scaling_of(wildcards) if model_of(wildcards.fit) in models_of(wildcards.study, "network") else []


def held_out(study, fit):
    """Return the folds that a fit never sees."""
    return list(SETTINGS.studies[study].fits(model_of(fit))[fit])


def scaling_folds(wildcards):
    """Return the folds that a scaling must not look at."""
    settings = SETTINGS.studies[wildcards.study]
    rotation = getattr(wildcards, "rotation", None)
    return list(settings.folds.held_out if rotation is None else settings.rotation_folds(int(rotation)))


def fold_count(wildcards):
    """Return the number of folds."""
    return SETTINGS.studies[wildcards.study].folds.count


def member_folds(wildcards):
    """Return a member's own fold lists, and nothing of the other members."""
    settings = SETTINGS.studies[wildcards.study]
    training = settings.models[model_of(wildcards.fit)].training
    if int(wildcards.member) >= training.members:
        raise WorkflowError(f"{wildcards.fit} has members 0 to {training.members - 1}, not {wildcards.member}")
    scheme = fold_scheme(
        training.folds,
        settings.folds.count,
        training.members,
        held_out(wildcards.study, wildcards.fit),
    )
    folds = scheme[int(wildcards.member)]
    return {
        "count": settings.folds.count,
        "training": list(folds.training),
        "monitoring": folds.monitoring,
    }


def tree_folds(wildcards):
    """Return the folds of boosted trees: the first stops the training, the second scores the trials of a search."""
    settings = SETTINGS.studies[wildcards.study]
    hidden = held_out(wildcards.study, wildcards.fit)
    left = [fold for fold in range(settings.folds.count) if fold not in hidden]
    return {
        "count": settings.folds.count,
        "monitoring": left[0],
        "scoring": left[1],
        "training": left[1:],
    }


def prediction_folds(wildcards):
    """Return the folds to predict: those held out of the train sample, all of a test sample."""
    role = SETTINGS.studies[wildcards.study].samples[wildcards.sample].role
    return held_out(wildcards.study, wildcards.fit) if role == "train" else None


def members_of(study, fit):
    """Return the member numbers of a network's fit."""
    return range(SETTINGS.studies[study].models[model_of(fit)].training.members)


def ensemble_members(wildcards):
    """Return the weights of all members."""
    folder = f"results/{wildcards.study}/models/{wildcards.fit}"
    return [f"{folder}/member_{k}.safetensors" for k in members_of(wildcards.study, wildcards.fit)]


def ensemble_histories(wildcards):
    """Return the histories of all members."""
    folder = f"results/{wildcards.study}/models/{wildcards.fit}"
    return [f"{folder}/member_{k}.json" for k in members_of(wildcards.study, wildcards.fit)]


def predictions_of(study, fit, sample):
    """Return the prediction files of a fit on a sample."""
    return [f"results/{study}/predictions/{fit}/{sample}/{block}.h5" for block in BLOCKS[study][sample]]


def heldout_predictions(wildcards):
    """Return a fit's predictions on the train sample: its held-out folds."""
    return predictions_of(wildcards.study, wildcards.fit, train_sample(wildcards.study))


def evaluation_plan_of(study, model):
    """Return what is evaluated: for each evaluation sample its pieces, each with predictions and their calibration.

    Held-out muons are those of fold 0, or, with rotations, every train muon as predicted by the rotation that never
    saw it; test samples are predicted by the main fit.
    """
    settings = SETTINGS.studies[study]
    train = train_sample(study)
    fits = list(settings.fits(model))
    heldout = fits[1:] or fits
    plan = {"heldout": [(train, fit) for fit in heldout]}
    plan |= {sample: [(sample, model)] for sample in samples_of(study, "test")}
    return {
        name: [
            {
                "predictions": predictions_of(study, fit, sample),
                "calibration": f"results/{study}/calibration/{fit}.json",
                "inventory": f"results/{study}/inventory/{sample}.json",
            }
            for sample, fit in pieces
        ]
        for name, pieces in plan.items()
    }


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
    return evaluation_plan_of(wildcards.study, wildcards.model)


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
    tables = SETTINGS.studies[study].TABLES
    folder = f"results/{study}/tables"
    return [f"{folder}/{name}.{kind}" for name in tables for kind in ("csv", "md", "tex", "json")] + [
        f"{folder}/chapter.json"
    ]


def figure_files(study):
    """Return the figure files of a study and their captions."""
    figures = SETTINGS.studies[study].FIGURES
    return [f"results/{study}/figures/{name}.{kind}" for name in figures for kind in ("svg", "png", "json")]


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
        # a few shards are enough for distributions and event displays
        "shards": {sample: sample_shards(study, sample)[:8] for sample in settings.samples},
        "outputs": evaluation_plan_of(study, settings.reference_model),
        "scaling": f"results/{study}/scaling.json",
    }


def report_inputs(study):
    """Return the same artefacts as named inputs."""
    paths = report_paths(study)
    return {
        "metrics": list(paths["metrics"].values()),
        "manifests": list(paths["manifests"].values()),
        "calibrations": list(paths["calibrations"].values()),
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
