"""What the plan asks for against what the partitions have: what would be refused, or wait for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hitforge.preflight.cluster import Cluster, Node, Partition
from hitforge.preflight.findings import Finding
from hitforge.preflight.planned import Plan, Request, Submission

PROFILE = "profile: "
EXAMPLE_ACCOUNT = "test"
# the engine asks after its jobs at most so rarely, in seconds
SLOWEST_QUESTION = 180
# kinds of findings that are of no stage
GENERAL = ("account", "partition")
# stages that are named in one finding
SHOWN = 3


def check_cluster(plan: Plan, cluster: Cluster) -> Iterator[Finding]:
    """Yield what Slurm would refuse or never start, the worst of each kind and stage."""
    for words in cluster.silent:
        yield Finding("not checked", "Slurm", words, "")
    yield from _forgotten(plan, cluster)
    worst: dict[tuple[str, str], tuple[float, Finding]] = {}
    for submission in plan.submissions:
        for kind, size, finding in _check_submission(submission, cluster):
            key = (finding.problem if kind in GENERAL else submission.stage, kind)
            if key not in worst or worst[key][0] < size:
                worst[key] = size, finding
    yield from (finding for _, finding in worst.values())
    yield from _later_attempts(plan, cluster)


def fitting(submission: Submission, cluster: Cluster) -> str:
    """Return how many nodes could run the first attempt, as ``2 of 3 nodes``."""
    request = submission.attempts[0]
    partition = _partition_of(request, cluster)
    if partition is None:
        return "?"
    return f"{sum(_fits(node, request, partition) for node in partition.nodes)} of {len(partition.nodes)} nodes"


def _partition_of(request: Request, cluster: Cluster) -> Partition | None:
    partitions = cluster.partitions or {}
    if request.partition:
        return partitions.get(request.partition.partition(",")[0])
    return next((partition for partition in partitions.values() if partition.is_default), None)


def _forgotten(plan: Plan, cluster: Cluster) -> Iterator[Finding]:
    """Yield that ``squeue`` forgets ended jobs before the engine asks for them."""
    age = cluster.min_job_age
    if age is None or plan.status_command != "squeue" or age >= SLOWEST_QUESTION:
        return
    problem = f"squeue forgets a job {age} s after its end (MinJobAge)"
    fix = f"{PROFILE}slurm-init-seconds-before-status-checks: {max(1, age // 3)}, or MinJobAge: {SLOWEST_QUESTION} s"
    if age >= 3 * plan.init_seconds:
        words = f"{problem}, the engine asks at least every {SLOWEST_QUESTION} s and may miss its end"
        yield Finding("warning", "Slurm", words, f"ask for a MinJobAge of {SLOWEST_QUESTION} s")
    elif cluster.has_accounting:
        words = f"{problem}, too early for the profile: the engine asks sacct, and a cancelled job can hold it"
        yield Finding("warning", "Slurm", words, fix)
    else:
        yield Finding("error", "Slurm", f"{problem}, and there is no accounting: the engine waits for ever", fix)


def _check_submission(submission: Submission, cluster: Cluster) -> Iterator[tuple[str, float, Finding]]:
    """Yield kind, size and finding of all that is wrong with a submission."""
    stage, request = submission.stage, submission.attempts[0]
    who = f"a group of {submission.jobs} jobs" if submission.grouped and submission.jobs > 1 else "a job"
    # of several partitions (a,b) one that takes the job is enough
    names = request.partition.split(",") if request.partition else [None]
    choices = [list(_problems(submission, replace(request, partition=name), cluster)) for name in names]
    for kind, size, problem, fix in min(choices, key=len):
        general = kind in GENERAL
        words = problem if general else f"{who} asks for {problem}"
        yield kind, size, Finding("error", kind if general else stage, words, fix)
    if (partition := _partition_of(request, cluster)) is not None:
        nodes = [node for node in partition.nodes if _fits(node, request, partition)]
        if nodes and not any(node.works for node in nodes):
            states = ", ".join(sorted({node.state for node in nodes}))
            problem = f"all nodes of {partition.name} that it fits on are out of order now ({states})"
            yield "state", 0, Finding("warning", stage, problem, "wait, or another partition")
    if request.account == EXAMPLE_ACCOUNT and cluster.accounts is None:
        problem = f"slurm_account: {EXAMPLE_ACCOUNT} is the example of the profile, and nobody could be asked for yours"
        yield "account", 0, Finding("warning", "account", problem, f"{PROFILE}your account as slurm_account")


def _later_attempts(plan: Plan, cluster: Cluster) -> Iterator[Finding]:
    """Yield, for each partition, what grows with each attempt and outgrows it: memory, and minutes of groups for it."""
    for partition in (cluster.partitions or {}).values():
        mine = [one for one in plan.submissions if _partition_of(one.attempts[0], cluster) is partition]
        most, limit = _most(partition), partition.max_minutes
        memory = [(one.stage, [request.mem_mb or 0 for request in one.attempts]) for one in mine]
        fix = f"{PROFILE}resources: [mem_mb={most}], above which nothing asks"
        yield from _outgrown(memory, most, f"MB, the largest node of {partition.name} has {most}", fix)
        if limit is not None:
            minutes = [(one.stage, [request.minutes or 0 for request in one.attempts]) for one in mine]
            fix = f"{PROFILE}fewer group-components, or a partition with longer jobs"
            yield from _outgrown(minutes, limit, f"minutes, the limit of {partition.name} is {limit:.0f}", fix)


def _outgrown(asked: Sequence[tuple[str, list[int]]], allowed: float, there: str, fix: str) -> Iterator[Finding]:
    """Yield the one finding of all stages whose first attempt is within what is allowed and a later one is not."""
    larger = {stage: max(sizes) for stage, sizes in asked if sizes[0] <= allowed < max(sizes)}
    if larger:
        more = f" and {len(larger) - SHOWN} more" if len(larger) > SHOWN else ""
        stages = f"{', '.join(sorted(larger)[:SHOWN])}{more}"
        problem = f"{stages}: after failures a job asks for up to {max(larger.values())} {there}"
        yield Finding("warning", "retries", problem, fix)


def _problems(submission: Submission, request: Request, cluster: Cluster) -> Iterator[tuple[str, float, str, str]]:
    """Yield kind, size, problem and fix of what one attempt asks for."""
    accounts = (request.account or "").replace(",", " ").split()
    if cluster.accounts is not None:
        for account in accounts:
            if account.lower() not in cluster.accounts:
                known = ", ".join(sorted(cluster.accounts))
                example = ", the example of the profile," if account == EXAMPLE_ACCOUNT else ""
                yield "account", 0, f"{account!r}{example} is no account of yours", f"{PROFILE}slurm_account: {known}"
    if cluster.partitions is None:
        return
    partition = _partition_of(request, cluster)
    if partition is None:
        known = ", ".join(sorted(cluster.partitions))
        problem = f"there is no partition {request.partition!r}" if request.partition else "no partition is the default"
        yield "partition", 0, problem, f"{PROFILE}slurm_partition, one of {known}"
        return
    if partition.state != "UP":
        yield "partition", 0, f"partition {partition.name} is {partition.state}", f"{PROFILE}another slurm_partition"
    refused = [
        account
        for account in accounts
        if account.lower() in partition.denied_accounts
        or (partition.allowed_accounts is not None and account.lower() not in partition.allowed_accounts)
    ]
    for account in refused:
        problem = f"partition {partition.name} is closed to account {account!r}"
        yield "account", 0, problem, f"{PROFILE}another slurm_partition or slurm_account"
    yield from _sizes(submission, request, partition)


def _sizes(submission: Submission, request: Request, partition: Partition) -> Iterator[tuple[str, float, str, str]]:
    """Yield what is larger than the partition allows or its nodes have."""
    of = f"of {partition.name}"
    set_resources = f"{PROFILE}set-resources: {' and '.join(submission.rules[:2])}: "
    several = submission.grouped and submission.jobs > 1
    minutes, limit = request.minutes, partition.max_minutes
    if minutes is not None and limit is not None and minutes > limit:
        fix = f"{set_resources}runtime: {limit:.0f}, or a partition with longer jobs"
        if several and request.job_minutes <= limit:
            fewer = max(1, int(submission.jobs * limit / minutes))
            fix = f"{PROFILE}group-components: {submission.stage}={fewer}, or a partition with longer jobs"
        yield "minutes", minutes, f"{minutes} minutes, the limit {of} is {limit:.0f}", fix
    most = _most(partition)
    if request.mem_mb is not None and request.mem_mb > most:
        fix = f"{PROFILE}resources: [mem_mb={most}], above which nothing asks, or a partition with larger nodes"
        if several and request.job_mem_mb <= most:
            fewer = most // request.job_mem_mb
            fix = f"{PROFILE}group-components: {submission.stage}={fewer}, or resources: [mem_mb={most}]"
        yield "memory", request.mem_mb, f"{request.mem_mb} MB, the largest node {of} has {most}", fix
    cores = max((_cores(node, partition) for node in partition.nodes), default=0)
    if request.cores > cores:
        fix = (
            f"{PROFILE}cores: {cores}" if submission.grouped else f"{PROFILE}set-threads: {submission.rules[0]}={cores}"
        )
        yield "cores", request.cores, f"{request.cores} cores, the largest node {of} has {cores}", PROFILE + fix
    model = request.gpu_model
    gpus = max((node.n_gpus(model) for node in partition.nodes), default=0)
    kind = f" of type {model}" if model else ""
    if request.gpus > gpus:
        fix = f"{set_resources}slurm_partition: one with such GPUs (sinfo -o '%R %G')"
        yield "GPUs", request.gpus, f"{request.gpus} GPUs{kind}, the best node {of} has {gpus}", fix
    single = (request.mem_mb or 0) <= most and request.cores <= cores and request.gpus <= gpus
    if single and not any(_holds(node, request, partition) for node in partition.nodes):
        problem = f"{request.cores} cores, {request.mem_mb} MB and {request.gpus} GPUs{kind}, no node {of} has all"
        yield "together", request.mem_mb or 0, problem, f"{set_resources}less of one of them, or another partition"


def _most(partition: Partition) -> int:
    """Return the memory of the largest node, in MB."""
    return max((_memory(node, partition) for node in partition.nodes), default=0)


def _memory(node: Node, partition: Partition) -> int:
    return min(node.mem_mb, partition.max_mem_mb or node.mem_mb)


def _cores(node: Node, partition: Partition) -> int:
    return min(node.cores, partition.max_cores or node.cores)


def _holds(node: Node, request: Request, partition: Partition) -> bool:
    return (
        (request.mem_mb or 0) <= _memory(node, partition)
        and request.cores <= _cores(node, partition)
        and request.gpus <= node.n_gpus(request.gpu_model)
    )


def _fits(node: Node, request: Request, partition: Partition) -> bool:
    limit = partition.max_minutes
    return _holds(node, request, partition) and not (limit is not None and (request.minutes or 0) > limit)
