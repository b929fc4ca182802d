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
    from hitforge.ntuple import NtupleError
    from hitforge.packages import open_package
    from hitforge.provenance import OutputError
    from hitforge.samples import list_parts
    from hitforge.stages.apply import apply_part, friend_names, load_application, made_before, write_summary

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
            left_out = "".join(f", {n} {reason}" for reason, n in about["left_out"].items())
            sys.stdout.write(f"{out}: {about['entries']} entries, {about['predicted']} predicted{left_out} ({how})\n")
            sys.stdout.flush()
    write_summary(options.out, made, failed)
    if failed:
        sys.stderr.write(f"hitforge: {len(failed)} of {len(parts)} files have no friend file\n")
    return int(bool(failed))


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
