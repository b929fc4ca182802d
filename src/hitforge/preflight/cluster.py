"""What Slurm says of itself: partitions, nodes, accounts and how long it remembers a job."""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

SECONDS = 30
# states in which a node takes no job, and does not by itself soon
OUT_OF_ORDER = {"DOWN", "DRAINED", "DRAINING", "FAIL", "FAILING", "ERROR", "FUTURE", "INVAL", "MAINT", "UNKNOWN"}

Ask = Callable[[Sequence[str]], str]


class NoAnswerError(Exception):
    """A command of Slurm that is not there, failed or took too long; says which and why."""


@dataclass(frozen=True)
class Node:
    """A node in one partition: cores, memory in MB, GPUs by their type."""

    name: str
    host: str
    cores: int
    mem_mb: int
    gpus: dict[str, int]
    state: str

    @property
    def works(self) -> bool:
        """Whether it takes jobs."""
        return re.sub(r"[^A-Z]", "", self.state.upper()) not in OUT_OF_ORDER

    def n_gpus(self, model: str | None) -> int:
        """Return its GPUs, of one type if that is asked for."""
        return sum(self.gpus.values()) if model is None else self.gpus.get(model, 0)


@dataclass
class Partition:
    """A partition and its limits; None: no limit."""

    name: str
    is_default: bool
    state: str
    max_minutes: float | None
    max_mem_mb: int | None
    max_cores: int | None
    allowed_accounts: frozenset[str] | None
    denied_accounts: frozenset[str]
    nodes: list[Node] = field(default_factory=list)


@dataclass
class Cluster:
    """What is known of a cluster; None where nobody answered, and then ``silent`` says why."""

    partitions: dict[str, Partition] | None = None
    accounts: frozenset[str] | None = None
    has_accounting: bool = False
    min_job_age: int | None = None
    silent: list[str] = field(default_factory=list)


def ask(command: Sequence[str]) -> str:
    """Return what a command of Slurm prints.

    Raises
    ------
    NoAnswerError
        Not there, failed, or no answer in half a minute.
    """
    path = shutil.which(command[0])
    if path is None:
        raise NoAnswerError(f"{command[0]} is not on the PATH")
    try:
        return subprocess.run([path, *command[1:]], capture_output=True, text=True, check=True, timeout=SECONDS).stdout
    except subprocess.TimeoutExpired as error:
        raise NoAnswerError(f"{command[0]} gave no answer in {SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        words = (error.stderr or error.stdout or "no message").strip().splitlines()[-1]
        raise NoAnswerError(words if words.startswith(command[0]) else f"{command[0]}: {words}") from error


def read_cluster(ask: Ask = ask) -> Cluster:
    """Return what the cluster says of itself; a question without an answer leaves its field None."""
    cluster = Cluster()
    user = getpass.getuser()
    try:
        partitions = parse_partitions(ask(["scontrol", "show", "partition", "--oneliner"]))
        add_nodes(partitions, ask(["sinfo", "--Node", "--noheader", "--format=%N|%n|%R|%c|%m|%G|%T"]))
        cluster.partitions = partitions
    except NoAnswerError as error:
        cluster.silent.append(str(error))
    try:
        found = re.search(r"^MinJobAge\s*=\s*(\d+)", ask(["scontrol", "show", "config"]), re.MULTILINE)
        cluster.min_job_age = int(found[1]) if found else None
    except NoAnswerError as error:
        cluster.silent.append(str(error))
    try:
        question = ["sacctmgr", "--noheader", "--parsable2", "show", "associations", f"user={user}", "format=Account"]
        answer = ask(question)
        cluster.has_accounting = True
        cluster.accounts = frozenset(word.strip().lower() for word in answer.split()) or None
        if cluster.accounts is None:
            cluster.silent.append(f"sacctmgr knows no account of {user}")
    except NoAnswerError as error:
        cluster.silent.append(str(error))
    cluster.silent = list(dict.fromkeys(cluster.silent))
    return cluster


def parse_partitions(text: str) -> dict[str, Partition]:
    """Return the partitions of ``scontrol show partition --oneliner``, without nodes."""
    partitions = {}
    for line in text.splitlines():
        entry = dict(re.findall(r"(\S+?)=(\S*)", line))
        if "PartitionName" not in entry:
            continue
        allowed, denied = entry.get("AllowAccounts", "ALL"), entry.get("DenyAccounts", "")
        partitions[entry["PartitionName"]] = Partition(
            name=entry["PartitionName"],
            is_default=entry.get("Default") == "YES",
            state=entry.get("State", "UP"),
            max_minutes=minutes_of(entry.get("MaxTime", "UNLIMITED")),
            max_mem_mb=_number(entry.get("MaxMemPerNode", "")),
            max_cores=_number(entry.get("MaxCPUsPerNode", "")),
            allowed_accounts=None if allowed == "ALL" else frozenset(allowed.lower().split(",")),
            denied_accounts=frozenset(denied.lower().split(",")) if denied else frozenset(),
        )
    return partitions


def add_nodes(partitions: dict[str, Partition], text: str) -> None:
    """Add the nodes of ``sinfo --Node`` to their partitions: name, host, partition, cores, MB, GRES and state."""
    for line in text.splitlines():
        name, host, partition, cores, mem_mb, gres, state = (word.strip() for word in line.split("|"))
        if partition in partitions:
            node = Node(name, host, _number(cores) or 0, _number(mem_mb) or 0, gpus_of(gres), state)
            partitions[partition].nodes.append(node)


def gpus_of(gres: str) -> dict[str, int]:
    """Return the GPUs of ``gpu:a100:4(S:0-1),gpu:2`` by type; those without one are of type ''."""
    found: dict[str, int] = {}
    for entry in re.sub(r"\([^)]*\)", "", gres).split(","):
        name, *words = entry.split(":")
        if name == "gpu":
            model = words[0] if words and not words[0].isdigit() else ""
            found[model] = found.get(model, 0) + (int(words[-1]) if words and words[-1].isdigit() else 1)
    return found


def minutes_of(limit: str) -> float | None:
    """Return the minutes of ``[days-]hours:minutes:seconds`` or of ``minutes``; None: no limit."""
    days, _, clock = limit.rpartition("-")
    words = clock.split(":")
    if not all(word.isdigit() for word in words):
        return None
    if days:
        hours, minutes, seconds = ([int(word) for word in words] + [0, 0])[:3]
    elif len(words) == 3:
        hours, minutes, seconds = map(int, words)
    else:
        hours, minutes, seconds = 0, int(words[0]), int(words[1]) if len(words) > 1 else 0
    return (int(days or 0) * 24 + hours) * 60 + minutes + seconds / 60


def _number(text: str) -> int | None:
    """Return the number at the beginning of ``6829+``, None of ``UNLIMITED`` and 0."""
    found = re.match(r"\d+", text)
    return int(found[0]) or None if found else None
