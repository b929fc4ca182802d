# Settings, parts and the named functions that the rules use. Nothing here opens a data file.
import os
import re
import shlex
import sys
import time
from pathlib import Path

STARTED = time.time()
# of this very file: workflow.basedir is that of the Snakefile which uses this workflow as a module
SOURCE = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1] / "src"
# a workflow that is fetched from a server comes without the package, which then has to be installed
if SOURCE.is_dir():
    sys.path.insert(0, str(SOURCE))
    # scripts may run in an environment of their own, which needs the package too
    os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")])))
if workflow.is_main_process:
    # for the head of the page: as a parameter it would make the page again for each other way to say the same
    os.environ.update(HITFORGE_COMMAND=shlex.join(["snakemake", *sys.argv[1:]]))

from snakemake.exceptions import WorkflowError

from hitforge.config import as_list, load_settings, study_files, user_settings
from hitforge.fingerprint import fingerprint
from hitforge.folds import fold_scheme, tree_folds
from hitforge.packages import MADE_BY
from hitforge.provenance import content_hash, read_json
from hitforge.remarks import remarks
from hitforge.reporting.catalogue import load_catalogue
from hitforge.sample_sheet import read_sheet
from hitforge.samples import assign_blocks, list_parts
from hitforge.stages.report_tables import headline_text
from hitforge.studies.declaration import declaration_of
from hitforge.words import HELDOUT, TRAINED_ON, model_of
from hitforge.yaml_files import ConfigError, read_yaml

if workflow.modifier.path_modifier.prefix or workflow.modifier.path_modifier.modifies_prefixes:
    raise WorkflowError(
        "module hitforge: prefix and replace_prefix would move some of its files and not others; "
        "run in a folder of its own (snakemake --directory)"
    )

try:
    if not workflow.modifier.is_main_snakefile():
        # the other workflow has read its files, and chosen what of them is ours
        for path in workflow.configfiles:
            read_yaml(Path(path))
        USER_FILES, over = [], config
    else:
        # the engine has read them too, but drops the first of two equal keys and all that an empty block stands over
        USER_FILES, over = workflow.overwrite_configfiles, workflow.config_settings.config
    config = user_settings(USER_FILES, over, not workflow.config_settings.replace_workflow_config)
    SHEET = read_sheet(Path(str(config["samples"]))) if config.get("samples") else None
    # what a bare call and the named targets make; the other studies are there for their own targets
    CHOSEN = as_list(config.get("studies", []))
    known = CHOSEN and [*CHOSEN, *sorted(study_files().keys() - set(CHOSEN))]
    SETTINGS = load_settings({**config, "studies": known}, SHEET, USER_FILES)
    # study -> sample -> block -> parts
    BLOCKS = {
        study: {
            name: assign_blocks(list_parts(name, sample), settings.blocks) for name, sample in settings.samples.items()
        }
        for study, settings in SETTINGS.studies.items()
    }
except ConfigError as error:
    raise WorkflowError(str(error))

STUDIES = list(SETTINGS.studies)
# under `freeze` scaling, models and calibration are sources that nothing remakes
TRAINED = [study for study, settings in SETTINGS.studies.items() if not settings.freeze]
REMARKS = {study: list(remarks(settings.model_dump(mode="json"))) for study, settings in SETTINGS.studies.items()}
# where networks are trained does not change what is asked for, so it is no job's parameter
config["device"] = SETTINGS.device
config["beside"] = {
    study: {model: settings.beside(model) for model in settings.models} for study, settings in SETTINGS.studies.items()
}


def names(words):
    """Return a wildcard pattern that matches exactly these words."""
    return "|".join(re.escape(word) for word in sorted(words)) or "(?!)"


def models_of(study, *kinds):
    """Return the models of a study, of the given kinds or of all."""
    return [name for name, model in SETTINGS.studies[study].models.items() if not kinds or model.kind in kinds]


def fits_of(study, *kinds):
    """Return the fits (main and rotations) of all models of the given kinds, with their held-out folds."""
    settings = SETTINGS.studies[study]
    return {fit: folds for model in models_of(study, *kinds) for fit, folds in settings.fits(model).items()}


def samples_of(study, role):
    """Return the samples of a study with a role."""
    return [name for name, sample in SETTINGS.studies[study].samples.items() if sample.role == role]


def train_sample(study):
    """Return the one train sample of a study."""
    return samples_of(study, "train")[0]


wildcard_constraints:
    study=names(STUDIES),
    sample=names(name for study in STUDIES for name in BLOCKS[study]),
    rotation=r"\d+",
    block=r"b\d{3}",
    model=names(model for study in STUDIES for model in models_of(study)),
    fit=names(fit for study in STUDIES for fit in fits_of(study)),
    member=r"\d+",
    booster=r"\d+",


def given_to(study, stage, fit=None):
    """Return the settings that a stage is given, for the model of a fit where it works for one."""
    return declaration_of(study).given_settings(SETTINGS.studies[study], stage, model_of(fit) if fit else None)


def given(stage):
    """Return the params function of the settings that a stage is given."""

    def settings(wildcards):
        fit = getattr(wildcards, "fit", None) or getattr(wildcards, "model", None)
        return given_to(wildcards.study, stage, fit)

    return settings


def fingerprint_of(study, stage, script):
    """Return the code fingerprint of a stage, its script included."""
    return fingerprint(study, stage, Path(workflow.source_path(f"../scripts/{script}")))


def code(stage, script):
    """Return the params function of a stage's code fingerprint."""

    def of_study(wildcards):
        return fingerprint_of(wildcards.study, stage, script)

    return of_study


def megabytes(base):
    """Return a resource function: memory that doubles with each attempt, up to four times."""

    def mem_mb(wildcards, attempt):
        return base * 2 ** min(attempt - 1, 2)

    return mem_mb


def show_headlines():
    """Print the headline tables that this run made, and where its pages are."""

    def is_new(path):
        return path.is_file() and path.stat().st_mtime > STARTED

    if workflow.executor_plugin.common_settings.touch_exec:
        return  # new times alone make nothing new
    for folder in (Path(f"results/{study}/tables") for study in STUDIES):
        if is_new(folder / "headline.json"):
            print(headline_text(folder), file=sys.stderr)
    for path in map(Path, ["results/report/index.html", *(f"results/{study}/report.html" for study in STUDIES)]):
        if is_new(path):
            print(f"Report: {path.resolve()}", file=sys.stderr)
