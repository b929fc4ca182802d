# What leaves the house: what a package is made of, and the files that the package of the configuration is applied to.
from hitforge.config import SampleSettings
from hitforge.friends import friend_names, summary_name
from hitforge.packages import PackageError, open_package

APPLY = SETTINGS.apply

if APPLY is not None:
    try:
        with open_package(Path(APPLY.package)) as package:
            PACKAGE = package.about
        FILES = list_parts("apply", SampleSettings(role="test", source=APPLY.source))
        declaration_of(PACKAGE["study"])
    except (ConfigError, PackageError, OSError) as error:
        raise WorkflowError(str(error))
    FRIENDS = friend_names(FILES, PACKAGE["model"], APPLY.format)
    PLACE = f"{PACKAGE['study']}/{PACKAGE['model']}"


def friends_of(parts):
    """Return the friend files of parts."""
    return [f"{APPLY.out}/{FRIENDS[part.id]}" for part in parts]


def no_application(wildcards):
    """Say what the target needs."""
    raise WorkflowError(
        "friends: nothing to apply; add to the call, or to a config file: --config "
        "apply=\"{package: muon-cnn.hitforge.zip, source: 'data/*.root', out: friends}\""
    )


def packed_scaling(wildcards):
    """Return the scaling of a network's main fit; trees and tables take raw features."""
    is_network = wildcards.model in models_of(wildcards.study, "network")
    return scaling_path(wildcards.study, wildcards.model) if is_network else []


def origin_of(wildcards):
    """Return what a package says of the run that it is from."""
    study, model = wildcards.study, wildcards.model
    settings, sample = SETTINGS.studies[study], train_sample(study)
    return {
        "description": settings.models[model].description,
        "preset": config.get("preset") or "",
        "sample": sample,
        "sources": settings.samples[sample].sources,
        "hashes": {stage: content_hash(given_to(study, stage, model)) for stage in MADE_BY.values()},
    }
