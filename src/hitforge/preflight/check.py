"""``python -m hitforge check``: the plan against the cluster or the machine that is to run it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from hitforge.preflight.cluster import Cluster, read_cluster
from hitforge.preflight.findings import Finding, exit_code, shown
from hitforge.preflight.machine import check_environment, check_machine
from hitforge.preflight.place import check_place
from hitforge.preflight.planned import REPOSITORY, Plan, read_plan
from hitforge.preflight.requests import check_cluster, fitting

WIDTH = 100


def check_plan(profile: str | None, arguments: Sequence[str]) -> int:
    """Print what the plan asks for and what of it cannot run; 1 if anything cannot, else 0.

    Parameters
    ----------
    profile : str or None
        The engine's profile; a name is also looked for among the checkout's. None: all cores of this machine.
    arguments : sequence of str
        Further arguments of ``snakemake``.
    """
    plan = read_plan([*_profile(profile), *arguments])
    findings, fits = judge(plan, Path.cwd())
    terminal = Console()
    console = terminal if terminal.is_terminal and terminal.width < WIDTH else Console(width=WIDTH)
    console.print(shown(plan, findings, fits))
    return exit_code(findings)


def judge(plan: Plan, folder: Path) -> tuple[list[Finding], list[str]]:
    """Return all findings, and for each submission on how many nodes it fits."""
    remote = plan.executor != "local"
    cluster = Cluster()
    findings = [Finding("warning", study, remark.rstrip("."), "") for study, remark in plan.remarks]
    if plan.executor == "slurm":
        if shutil.which("sbatch") is None:
            problem = "sbatch is not on the PATH: nothing can be submitted from this machine"
            findings.append(Finding("error", "Slurm", problem, "run on the login node, or load its module"))
        cluster = read_cluster()
        findings += check_cluster(plan, cluster)
    elif remote:
        findings.append(Finding("not checked", "scheduler", f"executor {plan.executor} is not known here", ""))
    else:
        findings += check_machine(plan)
    hosts = {node.host for partition in (cluster.partitions or {}).values() for node in partition.nodes}
    findings += check_place(plan, folder, remote, hosts)
    findings += check_environment(plan, remote)
    return findings, [fitting(submission, cluster) if remote else "this machine" for submission in plan.submissions]


def _profile(name: str | None) -> list[str]:
    if name is None:
        return ["--cores", "all"]
    ours = REPOSITORY / "profiles" / name
    known = (Path(name) / "config.yaml").exists() or not ours.is_dir()
    return ["--profile", name if known else str(ours)]
