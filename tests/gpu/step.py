"""One step of the check in a process of its own: ``python -m tests.gpu.step NAME FOLDER RESULTS ...``."""

from __future__ import annotations

import argparse
import importlib
import logging
from pathlib import Path

from tests.gpu.record import Recorder

FUNCTIONS = {
    "machine": "machine.about",
    "samples": "samples.prepare",
    "muons": "samples.simulate",
    "right: numbers": "right.numbers",
    "right: training": "right.training",
    "fast: paper": "fast_paper.eager",
    "fast: compiled": "fast_paper.compiled",
    "fast: data": "fast_more.data",
    "fast: studies": "fast_more.studies",
    "fast: members": "fast_more.members",
    "real": "real.production",
}
WITHOUT_TORCH = {"samples", "muons"}


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=FUNCTIONS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    record = Recorder(options.results, options.seconds)
    module, function = FUNCTIONS[options.name].split(".")
    run = getattr(importlib.import_module(f"tests.gpu.{module}"), function)
    if options.name in WITHOUT_TORCH:
        run(record, options.folder, options.smoke)
        return
    import torch

    from hitforge.training.device import resolve_device

    device = torch.device("cpu") if options.smoke else resolve_device("cuda")
    run(record, options.folder, device, options.smoke)


if __name__ == "__main__":
    main()
