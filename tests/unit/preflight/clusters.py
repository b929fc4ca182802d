"""What ``scontrol``, ``sinfo`` and ``sacctmgr`` answer on some clusters, and plans to hold against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hitforge.preflight.cluster import Ask, NoAnswerError
from hitforge.preflight.planned import Plan, Request, Submission

PARTITION = (
    "PartitionName={name} AllowGroups=ALL AllowAccounts={accounts} AllowQos=ALL AllocNodes=ALL Default={default}"
    " QoS=N/A DefaultTime=00:05:00 DisableRootJobs=NO ExclusiveUser=NO GraceTime=0 Hidden=NO MaxNodes=UNLIMITED"
    " MaxTime={time} MinNodes=0 LLN=NO MaxCPUsPerNode=UNLIMITED Nodes={nodes} PriorityJobFactor=1 PriorityTier=1"
    " RootOnly=NO ReqResv=NO OverSubscribe=NO OverTimeLimit=NONE PreemptMode=OFF State={state} TotalCPUs=8 TotalNodes=2"
    " SelectTypeParameters=NONE JobDefaults=(null) DefMemPerCPU=256 MaxMemPerNode={memory} TRES=cpu=8,mem=13658M,node=2"
)


def partition(name: str, nodes: str, time: str, **others: str) -> str:
    """Return the line of a partition."""
    usual = {"accounts": "ALL", "default": "NO", "state": "UP", "memory": "UNLIMITED"}
    return PARTITION.format(name=name, nodes=nodes, time=time, **(usual | others))


def config(min_job_age: int = 300) -> str:
    """Return some lines of ``scontrol show config``."""
    return f"""Configuration data as of 2026-01-01T00:00:00
AccountingStorageType   = accounting_storage/slurmdbd
MaxJobCount             = 50000
MinJobAge               = {min_job_age} sec
MpiDefault              = none
"""


# two CPU nodes and one with GPUs, 6.8 GB each: the mini cluster on a machine of 24 GB
SMALL = {
    "partition": partition("cpu", "c[1-2]", "00:30:00", default="YES") + "\n" + partition("gpu", "g1", "00:15:00"),
    "sinfo": """c1|login|cpu|4|6829|(null)|idle
c2|login|cpu|4|6829|(null)|mixed
g1|login|gpu|4|6829|gpu:fake:2|idle
""",
    "config": config(),
    "sacctmgr": "test\n",
}
# a site: large nodes of several kinds, days of time, types of GPUs, some nodes out of order
LARGE = {
    "partition": "\n".join(
        [
            partition("batch", "n[001-003]", "7-00:00:00", default="YES"),
            partition("a100", "a001", "2-00:00:00", accounts="hep,hep_gpu"),
            partition("v100", "v001", "UNLIMITED", memory="180000"),
            partition("old", "o001", "1-00:00:00", state="INACTIVE"),
        ]
    ),
    "sinfo": """n001|n001|batch|64|257000|(null)|allocated
n002|n002|batch|64|257000|(null)|drained*
n003|n003|batch|128|515000+|(null)|down
a001|a001|a100|48|515000|gpu:a100:4(S:0-1)|mixed
v001|v001|v100|40|385000|gpu:v100:2(S:0),gpu:3g.20gb:1|idle~
o001|o001|old|16|64000|gpu:2|idle
""",
    "config": config(),
    "sacctmgr": "HEP\nhep_students\n",
}


def answering(recorded: Mapping[str, str]) -> Ask:
    """Return what asks a recorded cluster; a question without a record fails as a missing command does."""

    def ask(command: Sequence[str]) -> str:
        key = command[2] if command[0] == "scontrol" else command[0]
        if key not in recorded:
            raise NoAnswerError(f"{command[0]} is not on the PATH")
        return recorded[key]

    return ask


def request(**changes: object) -> Request:
    """Return the request of a job of 1000 MB, 10 minutes and one core."""
    usual = {"mem_mb": 1000, "minutes": 10, "cores": 1, "gpus": 0, "gpu_model": None, "partition": "cpu"}
    alone = {"account": "test", "job_mem_mb": 1000, "job_minutes": 10}
    return Request(**{**usual, **alone, **changes})  # type: ignore[arg-type]


def submission(*attempts: Request, stage: str = "evaluate", jobs: int = 1, count: int = 1) -> Submission:
    """Return a submission, a group if it has several jobs."""
    return Submission(stage, (stage,), jobs > 1, jobs, count, attempts or (request(),))


def plan(*submissions: Submission, **changes: object) -> Plan:
    """Return a plan for Slurm with the shipped profile."""
    usual = {"executor": "slurm", "cores": 4, "status_command": "squeue", "init_seconds": 20, "device": "auto"}
    volume = {"files": 10, "simulated_events": {}, "read_bytes": {}}
    return Plan(**{**usual, **volume, "submissions": submissions, **changes})  # type: ignore[arg-type]
