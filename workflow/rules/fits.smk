# Fits of a model: their folds, scalings and members.


def scaling_path(study, fit):
    """Return the scaling of a fit: each rotation has its own."""
    rotation = fit.partition("/")[2]
    return f"results/{study}/scaling/{rotation}.json" if rotation else f"results/{study}/scaling.json"


def scaling_of(wildcards):
    """Return the scaling of the fit that a job works on."""
    return scaling_path(wildcards.study, wildcards.fit)


def name_of_group(study, fit, members):
    """Return the name of the rule that trains a group of members; a fit may be a rotation."""
    return "_".join(["train_members", study, *Path(fit).parts, str(members[0])])


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


def folds_of_member(study, fit, member):
    """Return a member's own fold lists, and nothing of the other members."""
    settings = SETTINGS.studies[study]
    training = settings.models[model_of(fit)].training
    if member >= training.members:
        raise WorkflowError(f"{fit} has members 0 to {training.members - 1}, not {member}")
    scheme = fold_scheme(training.folds, settings.folds.count, training.members, held_out(study, fit))
    return {
        "count": settings.folds.count,
        "training": list(scheme[member].training),
        "monitoring": scheme[member].monitoring,
    }


def member_folds(wildcards):
    """Return the fold lists of the member that a job trains."""
    return folds_of_member(wildcards.study, wildcards.fit, int(wildcards.member))


def training_of(study, fit):
    """Return the training settings of a fit."""
    return SETTINGS.studies[study].models[model_of(fit)].training


def fits_trained_by(study, together):
    """Return the fits of networks whose members are trained several in a job (``together``), or each in its own."""
    return [fit for fit in fits_of(study, "network") if (training_of(study, fit).members_per_gpu > 1) == together]


def every_group_of_members():
    """Return study, fit and members of each job that trains several members side by side."""
    found = []
    for study in TRAINED:
        for fit in fits_trained_by(study, together=True):
            training = training_of(study, fit)
            members = range(training.members)
            found += [
                (study, fit, members[first:][: training.members_per_gpu])
                for first in members[:: training.members_per_gpu]
            ]
    return found


def loader_threads(wildcards):
    """Return the cores that a job with a network asks for: those that read its shards."""
    return training_of(wildcards.study, wildcards.fit).loader_threads


def folds_of_trees(wildcards):
    """Return the folds of boosted trees and tables: one stops the training, one scores the trials of a search."""
    hidden = held_out(wildcards.study, wildcards.fit)
    return tree_folds(fold_count(wildcards), hidden).model_dump(mode="json")


def prediction_folds(wildcards):
    """Return the folds to predict: those held out of the train sample, all of a test sample."""
    role = SETTINGS.studies[wildcards.study].samples[wildcards.sample].role
    return held_out(wildcards.study, wildcards.fit) if role == "train" else None


def trained_on_folds(wildcards):
    """Return the last fold: all boosters were trained on it, and all members of a model with ``folds: full``."""
    hidden = held_out(wildcards.study, wildcards.fit)
    return [max(fold for fold in range(fold_count(wildcards)) if fold not in hidden)]


def train_shards_of_block(wildcards):
    """Return the list of shards of a block of the train sample."""
    return f"results/{wildcards.study}/shards/{train_sample(wildcards.study)}/{wildcards.block}.json"


# name of the trained files of each kind of model
FILES = {"trees": "booster_{k}.ubj", "network": "member_{k}.safetensors", "table": "table_{k}.json"}


def trained_files(wildcards):
    """Return the trained files of a fit: boosters, members or tables."""
    model = SETTINGS.studies[wildcards.study].models[model_of(wildcards.fit)]
    folder = f"results/{wildcards.study}/models/{wildcards.fit}"
    return [f"{folder}/{FILES[model.kind].format(k=k)}" for k in range(model.n_files)]


def histories(wildcards):
    """Return the histories beside the trained files of a fit."""
    return [str(Path(path).with_suffix(".json")) for path in trained_files(wildcards)]


def tree_runtime(wildcards):
    """Return the minutes that boosted trees may take; a search of hyper-parameters trains many."""
    tuned = SETTINGS.studies[wildcards.study].models[model_of(wildcards.fit)].trees.tune is not None
    return 720 if tuned else 30
