"""What the commands of :mod:`hitforge.cli` do: settings from files, then one call of the stage."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from pathlib import Path

from hitforge.config import RunSettings, load_settings, user_settings
from hitforge.folds import fold_scheme, tree_folds
from hitforge.logs import start_log
from hitforge.provenance import content_hash
from hitforge.samples import part_id
from hitforge.studies.base import Study, load_study
from hitforge.studies.declaration import model_settings
from hitforge.words import HELDOUT, model_of


def expected_errors() -> tuple[type[Exception], ...]:
    """Return the errors whose message is all that a user needs."""
    errors: list[type[Exception]] = [ValueError, OSError]
    # only those of modules that the command has loaded can have been raised
    for module, name in (
        ("hitforge.ntuple", "NtupleError"),
        ("hitforge.training.device", "DeviceError"),
        ("hitforge.training.loop", "TrainingDiverged"),
        ("hitforge.bdt_tuning", "TuningInterruptedError"),
    ):
        if module in sys.modules:
            errors.append(getattr(sys.modules[module], name))
    return tuple(errors)


def run_settings(options: Namespace) -> RunSettings:
    """Return the settings of the one study that a command is about."""
    over = {"studies": [options.study], "preset": options.preset}
    user = user_settings(options.configfile, {key: value for key, value in over.items() if value is not None})
    user.pop("samples", None)
    return load_settings(user, files=options.configfile)


def _study(options: Namespace, log: bool = True) -> tuple[RunSettings, Study]:
    if log:
        start_log()
    settings = run_settings(options)
    return settings, load_study(options.study, settings.studies[options.study])


def _known_model(study: Study, model: str) -> str:
    model_settings(study.settings, model_of(model))
    return model


def _hash(study: Study, stage: str, model: str | None = None) -> str:
    return content_hash(study.declared.given_settings(study.settings, stage, model and model_of(model)))


def simulate(options: Namespace) -> int:
    """Simulate one part."""
    from rich.progress import Progress

    from hitforge.config import SampleSettings
    from hitforge.stages.simulate import simulate_part

    settings, study = _study(options)
    sample = SampleSettings(
        role="train",
        parts=1,
        events_per_part=options.events,
        spectrum=options.spectrum,
        tree_format=options.format,
    )
    with Progress(disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("simulate", total=options.events)
        simulate_part(
            study,
            options.sample,
            sample,
            options.index,
            settings.seed,
            options.out,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    return 0


def validate(options: Namespace) -> int:
    """Print the verdict of each file; 1 if any is bad."""
    from hitforge.stages.validate import validate_part

    _, study = _study(options, log=False)
    verdicts = [validate_part(study, part_id(Path(file).name), file) for file in options.files]
    dumps = [verdict.model_dump(mode="json") for verdict in verdicts]
    sys.stdout.write(json.dumps(dumps[0] if len(dumps) == 1 else dumps, indent=2) + "\n")
    return int(any(verdict.verdict == "bad" for verdict in verdicts))


def build_shard(options: Namespace) -> int:
    """Validate a part and build its shard."""
    from hitforge.stages import build_shard as stage
    from hitforge.stages.validate import validate_part
    from hitforge.validation import BadPartsError, describe

    _, study = _study(options)
    verdict = validate_part(study, part_id(Path(options.file).name), options.file)
    if not verdict.good:
        raise BadPartsError(f"{options.file}: " + "; ".join(map(describe, verdict.problems)))
    stage.build_shard(study, options.sample, verdict, options.out, _hash(study, "build_shard"))
    return 0


def fit_scaling(options: Namespace) -> int:
    """Fit the feature scaling."""
    from hitforge.stages.fit_scaling import fit_scaling_of

    _, study = _study(options)
    folds = study.settings.folds
    fit_scaling_of(study, options.shards, folds.count, folds.held_out, options.out)
    return 0


def train_bdt(options: Namespace) -> int:
    """Train boosted trees, or fit a lookup table."""
    from hitforge.stages.assemble import assemble_model
    from hitforge.stages.fit_table import fit_table_of
    from hitforge.stages.train_trees import train_trees_of

    settings, study = _study(options)
    model = _known_model(study, options.model)
    about = study.settings.models[model]
    folds = tree_folds(study.settings.folds.count, study.settings.folds.held_out)
    own = _hash(study, "fit_table" if about.kind == "table" else "train_trees", model)
    if about.kind == "table":
        files = [options.out / "table_0.json"]
        fit_table_of(study, model, options.shards, folds, files[0], own)
    else:
        files = [options.out / f"booster_{k}.ubj" for k in range(about.n_files)]
        for k, out in enumerate(files):
            trials = options.out / f"trials_{k}.json"
            train_trees_of(study, model, k, options.shards, folds, settings.seed, out, trials, own)
    assemble_model(study, model, files, options.out / "model.json", _hash(study, "assemble", model))
    return 0


def train_member(options: Namespace) -> int:
    """Train one member of an ensemble."""
    from hitforge.stages.train_member import TrainingFolds, train_member_of
    from hitforge.training.interruption import Interrupted, JobLimits

    settings, study = _study(options)
    model = _known_model(study, options.model)
    training = study.settings.models[model].training
    all_folds = study.settings.folds
    scheme = fold_scheme(training.folds, all_folds.count, training.members, all_folds.held_out)
    if not 0 <= options.member < training.members:
        raise ValueError(f"model {model!r} has members 0 to {training.members - 1}, not {options.member}")
    own = scheme[options.member]
    try:
        train_member_of(
            study,
            model,
            options.member,
            options.shards,
            options.scaling,
            TrainingFolds(count=all_folds.count, training=own.training, monitoring=own.monitoring),
            settings.seed,
            options.device,
            options.checkpoint or options.out.with_suffix(".pt"),
            options.out,
            _hash(study, "train_member", model),
            JobLimits(runtime_minutes=options.runtime_minutes),
        )
    except Interrupted as interruption:
        return interruption.exit_code
    return 0


def assemble(options: Namespace) -> int:
    """Write the manifest of an ensemble."""
    from hitforge.stages.assemble import assemble_model

    _, study = _study(options)
    model = _known_model(study, options.model)
    assemble_model(study, model, options.members, options.out, _hash(study, "assemble", model))
    return 0


def predict(options: Namespace) -> int:
    """Predict the events of shards."""
    from hitforge.provenance import read_json
    from hitforge.stages.predict import predict_block

    _, study = _study(options)
    model = _known_model(study, read_json(options.manifest)["model"])
    predict_block(
        study,
        options.manifest,
        options.shards,
        options.folds,
        study.settings.folds.count,
        options.scaling,
        options.device,
        options.out,
        _hash(study, "predict", model),
    )
    return 0


def calibrate(options: Namespace) -> int:
    """Fit the bias correction."""
    from hitforge.stages import evaluate as stage

    _, study = _study(options)
    stage.calibrate(study, options.predictions, None, options.out, _hash(study, "calibrate"))
    return 0


def evaluate(options: Namespace) -> int:
    """Compute the metrics of a model."""
    from hitforge.predictions import PlannedPiece
    from hitforge.stages import evaluate as stage

    settings, study = _study(options)
    plan = {HELDOUT: options.heldout} | ({"test": options.test} if options.test else {})
    pieces = {
        name: (PlannedPiece(predictions=tuple(paths), calibration=options.calibration, calibrated_on=name == HELDOUT),)
        for name, paths in plan.items()
    }
    stage.evaluate(study, options.model, pieces, options.manifest, settings.seed, options.out, _hash(study, "evaluate"))
    return 0


def report(options: Namespace) -> int:
    """Make the tables, figures and page of a study from a results folder."""
    from hitforge.reporting.catalogue import load_catalogue
    from hitforge.stages.bind_report import make_report
    from hitforge.stages.report_figures import make_figures
    from hitforge.stages.report_inputs import paths_in, read_inputs
    from hitforge.stages.report_tables import headline_text, make_tables

    settings, study = _study(options)
    inputs = read_inputs(paths_in(options.results / options.study, study))
    catalogue, folder = load_catalogue(options.study), options.out / options.study
    make_tables(catalogue, inputs, folder / "tables")
    make_figures(catalogue, inputs, folder / "figures")
    page = options.out / "index.html"
    run = {"seed": settings.seed, "device": settings.device}
    make_report(options.out, [options.study], Path("benchmarks"), run, options.out / ".previous.json", page)
    sys.stdout.write(f"{headline_text(folder / 'tables')}{page}\n")
    return 0


def compare(options: Namespace) -> int:
    """Write the page that compares two runs."""
    from hitforge.provenance import write_text
    from hitforge.reporting.comparison_page import render_comparison, result_of
    from hitforge.stages.compare_runs import compare_runs

    a, b = options.runs
    studies = compare_runs(a, b)
    write_text(options.out, render_comparison((a, b), studies))
    for each in studies:
        sys.stdout.write(f"{each.chapters[1].study}: {result_of(each)}\n")
    sys.stdout.write(f"{options.out}\n")
    return 0


def describe(options: Namespace) -> int:
    """Print a model's parameters and shapes."""
    _, study = _study(options, log=False)
    model = _known_model(study, options.model)
    sys.stdout.write(json.dumps(study.describe_model(model), indent=2) + "\n")
    return 0


def check(options: Namespace) -> int:
    """Say what of the plan could not run here or on the cluster."""
    from hitforge.preflight.check import check_plan

    arguments = ["--config", *options.config] if options.config else []
    if options.preset is not None:
        arguments = ["--config", *options.config, f"preset={options.preset}"]
    if options.configfile:
        arguments += ["--configfile", *map(str, options.configfile)]
    return check_plan(options.profile, arguments)


def new(options: Namespace) -> int:
    """Write a configuration for files."""
    from hitforge.new_config import write_new

    sys.stdout.write("\n".join(write_new(options.train, options.test, options.out, options.study)) + "\n")
    return 0


def completion(options: Namespace) -> int:
    """Print the completion script of a shell."""
    try:
        import shtab
    except ModuleNotFoundError as error:
        raise ValueError("completion needs the package shtab: pip install shtab") from error
    sys.stdout.write(shtab.complete(options.parser, options.shell))
    return 0


def status(options: Namespace) -> int:
    """Show the trainings under a results folder."""
    from rich.console import Console
    from rich.live import Live

    from hitforge.status import status_view

    console = Console(width=None if sys.stdout.isatty() else 100)
    if not options.watch:
        console.print(status_view(options.results))
        return 0
    with Live(status_view(options.results), console=console) as live:
        while True:
            time.sleep(3)
            live.update(status_view(options.results))
