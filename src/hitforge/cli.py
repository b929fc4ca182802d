"""Command line: every stage without the workflow engine.

The commands call the same functions as the workflow's scripts. Heavy libraries are imported by the command that
needs them, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, get_args

from hitforge import __version__, commands, model_commands
from hitforge.apply_settings import FriendFormat
from hitforge.cli_help import Overview, explained
from hitforge.logs import leave
from hitforge.provenance import ends_in_a_crash


def _stage(
    stages: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, details: str = ""
) -> argparse.ArgumentParser:
    parser = stages.add_parser(
        name, help=summary, description=f"{summary}. {details}", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.set_defaults(command=getattr(commands, name.replace("-", "_")))
    if name not in ("status", "check", "new", "completion"):
        parser.add_argument("--study", required=True, help="study, for example calo_muon")
        parser.add_argument("--configfile", nargs="+", type=Path, default=[], help="YAML files laid over the defaults")
        parser.add_argument("--preset", default=None, help="preset to start from (demo, small, paper)")
    return parser


def _model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="model of the study's YAML file, for example cnn or bdt")


def _shards(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shards", nargs="+", type=Path, metavar="SHARD", help="shards made by build-shard")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = Overview(prog="hitforge", description="Detector hits in, physics models and tables out.")
    parser.add_argument("--version", action="version", version=__version__)
    stages = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=argparse.ArgumentParser)

    new = _stage(stages, "new", "Write a configuration for files of yours", "Finds out study, layout and sizes.")
    new.add_argument("train", nargs="+", metavar="FILE", help="files or patterns to train with")
    new.add_argument("--test", nargs="+", required=True, metavar="FILE", help="files or patterns to test with")
    new.add_argument("--study", default=None, help="study; found out from the first file if not given")
    new.add_argument("--out", type=Path, default=Path("my.yaml"), help="YAML file to write")

    completion = _stage(stages, "completion", "Print a script that completes commands in your shell")
    completion.set_defaults(parser=parser)
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="your shell")

    simulate = _stage(stages, "simulate", "Simulate one part", "Writes the original's ROOT format.")
    simulate.add_argument("--out", required=True, type=Path, help="ROOT file to write")
    simulate.add_argument("--events", type=int, default=100, help="number of events")
    simulate.add_argument("--spectrum", default="flat", help="spectrum that the study's generator draws from")
    simulate.add_argument("--format", default="ttree", choices=["ttree", "rntuple"], help="how ROOT stores the entries")
    simulate.add_argument("--sample", default="train", help="name of the sample; part of what seeds the events")
    simulate.add_argument("--index", type=int, default=0, help="number of the part; part of what seeds the events")

    validate = _stage(stages, "validate", "Validate parts", "Prints a verdict as JSON; exit code 1 if a part is bad.")
    validate.add_argument("files", nargs="+", metavar="FILE", help="ROOT file or root:// URL")

    shard = _stage(stages, "build-shard", "Build the shard of a part", "Validates the part first.")
    shard.add_argument("--out", required=True, type=Path, help="HDF5 file to write")
    shard.add_argument("--sample", default="train", help="name of the sample, noted in the shard")
    shard.add_argument("file", metavar="FILE", help="ROOT file or root:// URL")

    scaling = _stage(stages, "fit-scaling", "Fit the feature scaling", "Uses all folds but the held-out ones.")
    scaling.add_argument("--out", required=True, type=Path, help="JSON file to write")
    _shards(scaling)

    bdt = _stage(
        stages,
        "train-bdt",
        "Train boosted trees, or fit a lookup table",
        "Writes boosters (or the table), histories and manifest to a folder.",
    )
    _model(bdt)
    bdt.add_argument("--out", required=True, type=Path, help="folder to write")
    _shards(bdt)

    member = _stage(
        stages,
        "train-member",
        "Train one network of an ensemble",
        "Continues from its checkpoint; exit code 75 if the time was over before the training was.",
    )
    _model(member)
    member.add_argument("--member", type=int, default=0, help="number of the member, from 0")
    member.add_argument("--scaling", required=True, type=Path, help="JSON file made by fit-scaling")
    member.add_argument("--out", required=True, type=Path, help="file to write, for example member_0.safetensors")
    member.add_argument("--checkpoint", type=Path, default=None, help="checkpoint; beside --out if not given")
    member.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train")
    member.add_argument("--runtime-minutes", type=float, default=None, help="stop with a checkpoint before this")
    _shards(member)

    assemble = _stage(stages, "assemble", "Write the manifest of an ensemble", "Weighs members by monitoring loss.")
    _model(assemble)
    assemble.add_argument("--out", required=True, type=Path, help="model.json, in the folder of the members")
    assemble.add_argument("members", nargs="+", type=Path, metavar="MEMBER", help="member_*.safetensors")

    predict = _stage(stages, "predict", "Predict the events of shards", "All events, or those of some folds.")
    predict.add_argument("--manifest", required=True, type=Path, help="model.json of the model")
    predict.add_argument("--scaling", type=Path, default=None, help="JSON file made by fit-scaling (networks only)")
    predict.add_argument("--folds", type=int, nargs="+", default=None, help="folds to predict")
    predict.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute")
    predict.add_argument("--out", required=True, type=Path, help="HDF5 file to write")
    _shards(predict)

    calibrate = _stage(stages, "calibrate", "Fit the bias correction", "Use predictions of held-out folds only.")
    calibrate.add_argument("--out", required=True, type=Path, help="JSON file to write")
    calibrate.add_argument("predictions", nargs="+", type=Path, metavar="PREDICTIONS", help="made by predict")

    evaluate = _stage(stages, "evaluate", "Compute metrics with uncertainties")
    _model(evaluate)
    evaluate.add_argument("--manifest", required=True, type=Path, help="model.json of the model")
    evaluate.add_argument("--calibration", required=True, type=Path, help="JSON file made by calibrate")
    evaluate.add_argument("--heldout", required=True, nargs="+", type=Path, help="predictions of the held-out folds")
    evaluate.add_argument("--test", nargs="+", type=Path, default=[], help="predictions of the test sample")
    evaluate.add_argument("--out", required=True, type=Path, help="JSON file to write")

    report = _stage(stages, "report", "Make tables, figures and page", "From a results folder of the workflow.")
    report.add_argument("--results", type=Path, default=Path("results"), help="results folder")
    report.add_argument("--out", required=True, type=Path, help="folder to write the report to")

    describe = _stage(stages, "describe", "Describe a model as JSON", "Parameters and shapes of every layer.")
    _model(describe)

    check = _stage(
        stages,
        "check",
        "Say what could not run, before anything is submitted",
        "Compares the plan with the cluster or this machine; exit code 1 if something can never run.",
    )
    check.add_argument("--profile", default=None, help="the engine's profile, as slurm; without it one machine")
    check.add_argument("--configfile", nargs="+", type=Path, default=[], help="as for snakemake")
    check.add_argument("--config", nargs="+", default=[], metavar="KEY=VALUE", help="as for snakemake")
    check.add_argument("--preset", default=None, help="preset to start from (demo, small, paper)")

    status = _stage(stages, "status", "Show running and finished trainings")
    status.add_argument("--results", type=Path, default=Path("results"), help="results folder")
    status.add_argument("--watch", action="store_true", help="refresh every few seconds until interrupted")

    compare = stages.add_parser(
        "compare",
        help="Compare two runs on one page",
        description="Compare two runs on one page: settings that differ, headline numbers with the error of their "
        "shift (paired where the events are the same), figures side by side.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    compare.set_defaults(command=commands.compare)
    compare.add_argument("runs", nargs=2, type=Path, metavar="RUN", help="results folder, or that of one study in it")
    compare.add_argument("--out", type=Path, default=Path("compare.html"), help="page to write")
    _leaving(stages)
    return explained(parser)


def _leaving(stages: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands for models that leave the house: they need no configuration."""
    apply = stages.add_parser(
        "apply",
        help="Apply a model package to files",
        description="Apply a model package to files: writes a friend file for each. Friend files that are there and "
        "up to date are kept. Exit code 1 if a file cannot be used; the others are done all the same.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        fromfile_prefix_chars="@",
    )
    apply.set_defaults(command=model_commands.apply)
    apply.add_argument("package", type=Path, metavar="PACKAGE", help="model package, made by pack")
    apply.add_argument(
        "files", nargs="+", metavar="FILE", help="file, quoted pattern, root:// URL, or @LIST with one of them a line"
    )
    apply.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="where friend files are written")
    apply.add_argument("--format", choices=get_args(FriendFormat), default="ttree", help="format of the friend files")
    apply.add_argument("--prefix", default="hf_", help="how names of tree and columns begin; one for each model")
    apply.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute")

    export = _package_command(
        stages,
        "export",
        "Write the model of a package for other programs",
        "One graph with scaling, ensemble and calibration inside; written only if it gives what the model gives.",
    )
    export.add_argument("package", type=Path, metavar="PACKAGE", help="model package, made by pack")
    export.add_argument("--format", choices=("onnx",), default="onnx", help="format of the graph")
    export.add_argument("--out", required=True, type=Path, metavar="FILE", help="file to write")
    export.add_argument(
        "--events", nargs="+", default=[], metavar="FILE", help="shards or parts to check with; none: made-up events"
    )

    pack = _package_command(
        stages, "pack", "Pack a trained model into one file", "With settings, scaling, calibration, metrics and a card."
    )
    pack.add_argument("results", type=Path, help="results folder, or that of the study in it")
    pack.add_argument("--study", default=None, help="study; the name of the folder if not given")
    _model(pack)
    pack.add_argument("--configfile", nargs="+", type=Path, default=[], help="YAML files of the run, if it had any")
    pack.add_argument("--preset", default=None, help="preset of the run (demo, small, paper)")
    pack.add_argument("--out", required=True, type=Path, help="file to write, for example muon-cnn.hitforge.zip")

    card = _package_command(stages, "card", "Check a model package and print its model card")
    card.add_argument("package", type=Path, metavar="PACKAGE", help="model package, made by pack")

    resolution = _package_command(
        stages, "resolution", "Print a packaged model's resolution and bias", "In the bins of its evaluation."
    )
    resolution.add_argument("--package", required=True, type=Path, help="model package, made by pack")
    resolution.add_argument(
        "--energies", nargs="+", type=float, default=None, metavar="VALUE", help="only bins that hold these (GeV)"
    )
    resolution.add_argument("--out", type=Path, default=None, metavar="FILE", help="write .csv, or .yaml of HEPData")

    hepdata = _package_command(
        stages, "hepdata", "Write the report's tables as a HEPData submission", "submission.yaml and a file a table."
    )
    hepdata.add_argument("--results", type=Path, default=Path("results"), help="results folder")
    hepdata.add_argument("--study", required=True, help="study, for example calo_muon")
    hepdata.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="folder to write; a new one")


def _package_command(
    stages: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, details: str = ""
) -> argparse.ArgumentParser:
    parser = stages.add_parser(
        name,
        help=summary,
        description=f"{summary}. {details}",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.set_defaults(command=getattr(model_commands, name))
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; expected errors become one message, not a traceback."""
    parser = build_parser()
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        parser.print_help()
        return 0
    options = parser.parse_args(words)
    try:
        code: int = options.command(options)
    except commands.expected_errors() as error:
        sys.stderr.write(f"hitforge: error: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return code


def run() -> NoReturn:
    """Run the command of this process and end it."""
    code = main()
    if ends_in_a_crash():
        leave(code)
    sys.exit(code)
