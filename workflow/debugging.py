"""One job of the workflow at the Python prompt: its inputs, outputs and parameters as its script gets them.

In the folder of a production, with the repository on the path (``PYTHONPATH=<repository>`` elsewhere)::

    >>> from workflow.debugging import job_of
    >>> snakemake = job_of("results/csc_muon/metrics/hgb.json", configfiles=["my.yaml"])
    >>> snakemake = job_of("evaluate", study="csc_muon", model="hgb", configfiles=["my.yaml"])  # the same

Now the lines of ``workflow/scripts/evaluate.py`` run one by one, and what they call can be stepped through. Nothing
is checked or run beforehand, but the folders of log and outputs are made: inputs that a stage opens must be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from snakemake.api import SnakemakeApi
from snakemake.dag import DAG
from snakemake.io import IOCache
from snakemake.iocontainers import Snakemake
from snakemake.jobs import Job
from snakemake.rules import Rule
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

REPOSITORY = Path(__file__).parents[1]


def job_of(
    rule_or_file: str,
    *,
    config: Mapping[str, Any] | None = None,
    configfiles: Sequence[str | Path] = (),
    **wildcards: str | int,
) -> Snakemake:
    """Return the object ``snakemake`` that the script of one job sees.

    Parameters
    ----------
    rule_or_file : str
        A rule, with its wildcards by name, or a file under ``results/``, which needs none. Rules that are made for
        each block of parts have no wildcards: ask for one of their files.
    config, configfiles
        As for the command line's ``--config`` and ``--configfile``.

    Raises
    ------
    ValueError
        No rule of this name, a wildcard is missing, unknown or has a value that the rule does not take, or no rule
        makes this file.
    """
    settings = ConfigSettings(config=dict(config or {}), configfiles=[Path(path).absolute() for path in configfiles])
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        # the interface has no way to one job: what follows is what the engine itself does before it runs one
        workflow = api.workflow(ResourceSettings(cores=1), settings, snakefile=REPOSITORY / "Snakefile")._workflow
        workflow.dag_settings = DAGSettings()
        workflow.iocache = IOCache(1)
        rules = {rule.name: rule for rule in workflow.rules}
        if rule_or_file in rules:
            rule = rules[rule_or_file]
            values = _checked(rule, {name: str(value) for name, value in wildcards.items()})
        else:
            rule = _maker(rule_or_file, rules.values())
            values = rule.get_wildcards(rule_or_file)
        job = Job(rule, DAG(workflow, rules=[rule]), values)
        for path in (*job.log, *job.output):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        return Snakemake(
            job.input,
            job.output,
            job.params,
            job.wildcards,
            job.threads,
            job.resources,
            job.log,
            workflow.globals["config"],
            rule.name,
            None,
            str(REPOSITORY / "workflow/scripts"),
        )


def _checked(rule: Rule, values: dict[str, str]) -> dict[str, str]:
    """Return the wildcards of a rule, held against their constraints."""
    if values.keys() != rule.wildcard_names:
        wanted = ", ".join(sorted(rule.wildcard_names)) or "none"
        raise ValueError(f"rule {rule.name}: its wildcards are {wanted}, not {', '.join(sorted(values)) or 'none'}")
    for pattern in rule.output:
        path = str(pattern.apply_wildcards(values))
        if not pattern.match(path):
            raise ValueError(f"rule {rule.name} makes no {path}: the configuration has other names")
    return values


def _maker(path: str, rules: Iterable[Rule]) -> Rule:
    """Return the rule that makes a file."""
    makers = [rule for rule in rules if rule.is_producer(path)]
    if not makers:
        raise ValueError(f"{path} is neither a rule nor a file that a rule makes with this configuration")
    return makers[0]
