"""A finished production with one stage missing, made again on the cluster while something breaks."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.slurm.mini_slurm import Cluster
from tests.workflow.running import REPOSITORY, Run, runner
from tests.workflow.test_end_to_end import artefacts

MEMBER = "results/calo_muon/models/hl_only/member_0.safetensors"


def wait_until(condition: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Wait for a condition, looking often."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.02)


@dataclass
class Engine:
    """A running ``snakemake --profile slurm``."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait(self, seconds: float = 1800) -> Run:
        """Wait for its end."""
        return Run(self.process.wait(seconds), self.output)

    def finish(self, seconds: float = 1800) -> Run:
        """Wait for its end, which must be a success."""
        run = self.wait(seconds)
        assert run.code == 0, run.output[-8000:]
        return run


@dataclass
class Production:
    """A copy of the finished tiny production, on a cluster."""

    folder: Path
    finished: Path
    cluster: Cluster
    engines: int = 0

    def lose(self, *patterns: str) -> None:
        """Remove files of the results: the stage that the fault will strike."""
        for pattern in patterns:
            found = list((self.folder / "results/calo_muon").glob(pattern))
            assert found, pattern
            for path in found:
                path.unlink()

    def start(self, *arguments: str) -> Engine:
        """Start the engine on the cluster."""
        self.engines += 1
        log = self.folder / f"engine_{self.engines}.txt"
        command = [
            sys.executable, "-m", "snakemake", *arguments,
            "--profile", "slurm", "--directory", str(self.folder), "--configfile", str(self.folder / "tiny.yaml"),
            "--slurm-init-seconds-before-status-checks", "4",
            # what the profile advises for small nodes: a retry asks for twice the memory, which none of these has
            "--resources", "mem_mb=6800",
        ]  # fmt: skip
        with log.open("wb") as handle:
            process = subprocess.Popen(
                self.cluster.command(*command),
                cwd=REPOSITORY,
                env=self.cluster.environment,
                stdout=handle,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Engine(process, log)

    def run(self, *arguments: str) -> Run:
        """Run the engine on the cluster to its end, which must be a success."""
        return self.start(*arguments).finish()

    def locally(self, *arguments: str, check: bool = True) -> Run:
        """Run the engine on this machine."""
        return runner(self.folder)(*arguments, "--configfile", "tiny.yaml", check=check)

    def check_as_undisturbed(self) -> None:
        """Finish what is left and compare every artefact with the production that nothing disturbed."""
        self.locally()
        expected, found = artefacts(self.finished), artefacts(self.folder)
        assert found.keys() == expected.keys()
        assert [name for name in expected if found[name] != expected[name]] == []
        assert self.locally("-n").planned == {}

    def log_of_member(self) -> str:
        """Return what the member's training logged in its last attempt: the engine removes the log before each."""
        log = self.folder / "logs/train_member/calo_muon/hl_only/member_0.log"
        return log.read_text() if log.exists() else ""

    @property
    def checkpoint(self) -> Path:
        return self.folder / "results/calo_muon/checkpoints/hl_only/member_0.pt"

    def training_process(self) -> psutil.Process | None:
        """Return the process that trains, if there is one."""
        for process in psutil.process_iter(["cmdline", "cwd"]):
            words = process.info["cmdline"] or []
            if words and words[-1].endswith("train_member.py") and process.info["cwd"] == str(self.folder):
                return process
        return None

    @contextmanager
    def training_held(self) -> Iterator[str]:
        """Stop the training process in its middle, with two checkpoints written; yields the Slurm job.

        Stopped processes make a fault hit at a known place, on a machine of any speed.
        """
        previous = self.checkpoint.with_name("member_0.previous.pt")
        wait_until(previous.exists, "two checkpoints")
        process = self.training_process()
        assert process is not None, "the training ended before it was struck"
        process.send_signal(signal.SIGSTOP)
        job = process.environ()["SLURM_JOB_ID"]
        try:
            yield job
        finally:
            if process.is_running():
                process.send_signal(signal.SIGCONT)

    def job_state(self, job: str) -> str:
        """Return what the controller says of a job."""
        return self.cluster("squeue", "-h", "-j", job, "-t", "all", "-o", "%T").output.strip()


def copy_production(finished: Path, folder: Path, cluster: Cluster) -> Production:
    """Copy the finished production to a folder that a test may break."""
    shutil.copytree(finished, folder, symlinks=True)
    return Production(folder, finished, cluster)
