"""Running snakemake in a folder of its own, on parts small enough for seconds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]

TINY = {
    "preset": "demo",
    "calo_muon": {
        "samples": {
            "replace": True,
            "train": {"role": "train", "source": "data/train/*.root"},
            "test": {"role": "test", "source": "data/test/*.root"},
        },
        "folds": {"count": 5},
        "blocks": 8,
        "run_models": ["bdt", "hl_only"],
        "reference_model": "hl_only",
        "evaluation": {"bootstraps": 10, "min_per_fit_bin": 2, "min_per_bin": 1},
        "model_defaults": {
            "training": {
                "members": 2,
                "batch_size": 8,
                "schedule": {"warmup_epochs": 1, "decay_epochs": 30, "step_epochs": 0},
            },
            "trees": {"rounds": 20, "early_stopping_rounds": 5},
        },
        "models": {"cnn_unique": {"training": {"members": 2}}},
    },
}


@dataclass
class Run:
    """A finished snakemake: exit code and everything it printed."""

    code: int
    output: str

    @property
    def planned(self) -> Counter[str]:
        """Planned or executed jobs by stage, in all studies; named targets are none.

        Of a workflow that uses ours as a module the engine's own table is read, which has rules.
        """
        jobs: Counter[str] = Counter()
        for pattern, line in (
            (r"^Plan\n(.*?)^ *total ", r"^(?:\w+)? +([a-z_]+) +(\d+) |^([a-z_]+) +(\d+) "),
            (r"^job +count\n-+ +-+\n(.*?)^total", r"^(\S+?)(?:_calo_muon\S*)? +(\d+)$()()"),
        ):
            if table := re.search(pattern, self.output, re.MULTILINE | re.DOTALL):
                for found in re.findall(line, table.group(1), re.MULTILINE):
                    jobs[found[0] or found[2]] += int(found[1] or found[3])
        del jobs["all"]
        return jobs


Snakemake = Callable[..., Run]


def runner(folder: Path, repository: Path = REPOSITORY, snakefile: Path | None = None) -> Snakemake:
    """Return a function that runs the workflow of a repository, or one that uses it, in ``folder``."""

    def run(*arguments: str, check: bool = True, timeout: float = 900, **variables: str) -> Run:
        command = [sys.executable, "-m", "snakemake", "--cores", "2"]
        command += ["--snakefile", str(snakefile or repository / "Snakefile")]
        environment = {**os.environ, "NO_COLOR": "1", **variables}
        done = subprocess.run(
            [*command, *arguments],
            cwd=folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout[-6000:]
        return Run(done.returncode, done.stdout)

    return run


def fabricate(run: Snakemake, folder: Path, *arguments: str) -> None:
    """Pretend that everything is there: empty outputs that the engine takes for finished."""
    table = run("--summary", *arguments).output
    outputs = re.findall(r"^(results/\S+)\t.*\tmissing\t", table, re.MULTILINE)
    assert outputs, table
    for output in outputs:
        path = folder / output
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    run("--touch", "--forceall", *arguments)


def write_parts(folder: Path, sample: str, parts: int, events: int, spectrum: str) -> None:
    """Simulate parts of a sample into ``folder/data/<sample>``."""
    from hitforge.studies.calo_muon.data.geometry import load_geometry
    from hitforge.studies.calo_muon.settings import SimulationSettings
    from hitforge.studies.calo_muon.simulation.generate import simulate_muons
    from hitforge.studies.calo_muon.simulation.write import write_part

    geometry = load_geometry("pbwo4_40.64mm")
    settings = SimulationSettings(layout="compact", e_max_gev=4000.0)
    for i in range(parts):
        seed = sum(map(ord, sample)) * 100 + i
        muons = simulate_muons(events, seed, geometry, settings, spectrum)
        write_part(folder / "data" / sample / f"part_{i}.root", muons, geometry, settings)


def write_config(folder: Path, **changes: object) -> Path:
    """Write the tiny configuration, with keys of calo_muon changed, and return its path."""
    config = yaml.safe_load(yaml.safe_dump(TINY))
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(config["calo_muon"].get(key), dict):
            config["calo_muon"][key] |= value
        else:
            config["calo_muon"][key] = value
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(config))
    return path
