"""What the commands for models that leave the house do; they need no configuration."""

from __future__ import annotations

import logging
import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from hitforge.logs import start_log


def apply(options: Namespace) -> int:
    """Write a friend file for each part; 1 if a part cannot be used."""
    from rich.console import Console
    from rich.progress import Progress

    from hitforge.config import SampleSettings
    from hitforge.friends import friend_names, summary_name, write_summary
    from hitforge.ntuple import NtupleError
    from hitforge.packages import open_package
    from hitforge.provenance import OutputError
    from hitforge.samples import list_parts
    from hitforge.stages.apply import apply_part, in_words, load_application, made_before

    start_log(level=logging.WARNING)
    sources = tuple(file for file in options.files if file.strip())
    parts = list_parts("FILE", SampleSettings(role="test", source=sources))
    made: dict[str, Mapping[str, Any]] = {}
    failed: dict[str, str] = {}
    bar = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty())
    with open_package(options.package) as package, bar:
        application = load_application(package, options.format, options.prefix, options.device)
        names = friend_names(parts, package.model, options.format)
        for part in bar.track(parts, description="apply"):
            name, start = names[part.id], time.perf_counter()
            out = options.out / name
            try:
                about = made_before(application, part, out)
                how = "kept"
                if about is None:
                    about = apply_part(application, part, out)
                    how = f"{about['entries'] / (time.perf_counter() - start):.0f}/s"
            except OutputError:
                raise
            except (NtupleError, OSError, ValueError) as error:
                failed[str(part.source)] = str(error)
                sys.stderr.write(f"hitforge: error: {error}\n")
                continue
            made[name] = about
            sys.stdout.write(f"{out}: {in_words(about)} ({how})\n")
            sys.stdout.flush()
    write_summary(options.out / summary_name(package.model), made, failed)
    if failed:
        sys.stderr.write(f"hitforge: {len(failed)} of {len(parts)} files have no friend file\n")
    return int(bool(failed))


def pack(options: Namespace) -> int:
    """Pack a trained model of a results folder."""
    from hitforge.commands import run_settings
    from hitforge.config import user_settings
    from hitforge.packages import MADE_BY
    from hitforge.provenance import content_hash
    from hitforge.stages.pack import Origin, pack_model, pieces_in
    from hitforge.studies.base import load_study
    from hitforge.studies.declaration import declaration_of, model_settings

    start_log()
    folder = options.results / options.study if options.study else options.results
    options.study = options.study or folder.resolve().name
    settings, declared = run_settings(options).studies[options.study], declaration_of(options.study)
    model = options.model
    about = model_settings(settings, model)
    sample = next(name for name, each in settings.samples.items() if each.role == "train")
    given = declared.given_settings(settings, "apply", model)
    pack_model(
        load_study(options.study, given, "pack"),
        model,
        given,
        pieces_in(folder, options.study, model, about.kind == "network", sample),
        Origin(
            description=about.description,
            preset=options.preset or user_settings(options.configfile, {}).get("preset") or "",
            sample=sample,
            sources=settings.samples[sample].sources,
            hashes={stage: content_hash(declared.given_settings(settings, stage, model)) for stage in MADE_BY.values()},
        ),
        options.out,
    )
    sys.stdout.write(f"{options.out}: {options.out.stat().st_size} bytes\n")
    return 0


def card(options: Namespace) -> int:
    """Print the model card of a package, and its hash."""
    from hitforge.packages import open_package

    with open_package(options.package) as package:
        sys.stdout.write(f"{package.card}\nPackage hash: {package.hash}\n")
    return 0


def resolution(options: Namespace) -> int:
    """Print resolution and bias of a packaged model, or write them."""
    from rich.console import Console

    from hitforge.packaged_study import packaged_study
    from hitforge.packages import open_package
    from hitforge.provenance import write_text
    from hitforge.reporting.hepdata import data_file, to_yaml
    from hitforge.reporting.tables import to_csv, to_terminal
    from hitforge.stages.resolution import resolution_table

    if options.out is not None and options.out.suffix not in (".csv", ".yaml"):
        raise ValueError(f"{options.out}: what format? fix: name it .csv or .yaml")
    with open_package(options.package) as package:
        study = packaged_study(package, "pack")
        table = resolution_table(study, package.model, package.metrics, options.energies)
    if options.out is None:
        console = Console()
        console.print(to_terminal(table, console.width))
    else:
        text = to_csv(table) if options.out.suffix == ".csv" else to_yaml(data_file(table, study.name))
        write_text(options.out, text)
    return 0


def hepdata(options: Namespace) -> int:
    """Write the tables of a study's chapter as a HEPData submission."""
    from hitforge.reporting.catalogue import load_catalogue
    from hitforge.reporting.hepdata import is_submitted, write_submission
    from hitforge.reporting.tables import read_table

    folder = options.results / options.study / "tables"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; fix: snakemake tables")
    tables = [read_table(folder, name) for name in load_catalogue(options.study).tables]
    submitted = [table for table in tables if is_submitted(table)]
    write_submission(submitted, options.study, options.out)
    left_out = ", ".join(table.name for table in tables if table not in submitted)
    sys.stdout.write(f"{options.out}: {len(submitted)} tables; without measured numbers: {left_out or 'none'}\n")
    return 0


def export(options: Namespace) -> int:
    """Write the model of a package as an ONNX graph that was checked."""
    from hitforge.packages import open_package
    from hitforge.stages.check_onnx import write_checked

    start_log(level=logging.WARNING)
    with open_package(options.package) as package:
        for found in write_checked(package, options.events, options.out):
            sys.stdout.write(
                f"{found.output}: largest difference {found.absolute:.2g}, relative {found.relative:.2g}\n"
            )
    sys.stdout.write(f"{options.out}\n")
    return 0
