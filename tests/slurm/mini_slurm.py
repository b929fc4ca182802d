"""Calling the mini cluster: two CPU nodes and one with two pretended GPUs (README.md)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.workflow.running import REPOSITORY, Run

SCRIPT = Path(__file__).parent / "mini-slurm.sh"


@dataclass(frozen=True)
class Cluster:
    """A running mini cluster; calling it runs a command as its user does. ``sizes`` are variables of mini-slurm.sh."""

    state: Path
    sizes: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        # the nodes share the memory that there is: 6.8 GB each on a machine of 24
        own = {"MINI_SLURM_DIR": str(self.state), "MINI_SLURM_PORT": "26900"}
        return {**os.environ, "NO_COLOR": "1", **own, **self.sizes}

    def command(self, *words: str) -> list[str]:
        """Return the command line that runs ``words`` on the cluster."""
        return [str(SCRIPT), "run", *words]

    def do(self, *words: str) -> Run:
        """Bring the cluster up or down, or break something: a command of mini-slurm.sh."""
        return self._call([str(SCRIPT), *words])

    def __call__(self, *words: str) -> Run:
        return self._call(self.command(*words))

    def _call(self, command: list[str]) -> Run:
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=900,
            check=False,
        )
        return Run(done.returncode, done.stdout)
