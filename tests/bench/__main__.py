"""Measure speed and memory (make bench): prints a table, writes bench/bench.json.

Every ratio compares two things measured in turn in one run, because timings of shared machines are noisy.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.bench import (
    devices,
    layers,
    loader,
    memory,
    models,
    network,
    network_parts,
    planning,
    roads,
    shards,
    simulation,
    tree_formats,
)

PARTS = {
    "simulation": simulation.measure,
    "shards": shards.measure,
    "tree_formats": tree_formats.measure,
    "roads": roads.measure,
    "loader": loader.measure,
    "models": models.measure,
    "layers": layers.measure,
    "network": network.measure,
    "network_parts": network_parts.measure,
    "devices": devices.measure,
    "memory": memory.measure,
    "planning": planning.measure,
}


def main() -> None:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[], help="parts to run; all if none")
    parser.add_argument("--out", type=Path, default=Path("bench/bench.json"))
    options = parser.parse_args()
    results: dict[str, dict[str, float | str]] = {"machine": {"processor": platform.processor() or platform.machine()}}
    table = Table("part", "quantity", "value", title="hitforge benchmark")
    for name in options.parts or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            results[name] = PARTS[name](Path(folder))
        for quantity, value in results[name].items():
            table.add_row(name, escape(quantity), f"{value:.3g}" if isinstance(value, float) else value)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=2) + "\n")
    Console().print(table)


if __name__ == "__main__":
    main()
