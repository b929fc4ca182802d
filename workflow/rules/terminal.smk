# What is shown of a run: in place of the engine's text, one line a job and a readable plan (src/hitforge/terminal).
# The engine's own text stays where it is asked for (--verbose, --printshellcmds, --quiet, another --logger), in the jobs
# of a cluster, and where this workflow is a module of another. Its log file has everything, always.
from snakemake.logging import logger

from hitforge.logs import shares_stderr_with
from hitforge.terminal.handler import Terminal
from hitforge.terminal.jobs import Job, stage_name, what_of
from hitforge.terminal.sizes import Sizes

SIZES = {study: Sizes(study, SETTINGS.studies[study], BLOCKS[study]) for study in STUDIES}


def as_job(job):
    """Return a job of the engine in the words of the plan."""
    log = str(job.log[0]) if job.log else ""
    stage = stage_name(job.rule.name, STUDIES)
    what = what_of(log, stage)
    study = next((part for part in Path(what).parts[:1] if part in SIZES), "")
    events, epochs = SIZES[study].of(stage, what) if study else (0, 1)
    return Job(
        stage=stage,
        study=study,
        what=what,
        benchmark=str(job.benchmark or ""),
        gpus=int(job.resources.get("gpu", 0)),
        events=events,
        epochs=epochs,
        why=tuple(workflow.dag.reason(job).get_names()),
    )


def jobs_to_do():
    """Return the jobs that the engine is about to run, in the order of the work."""
    todo = {job for job in workflow.dag.needrun_jobs() if not job.is_norun and job.log}
    return [as_job(job) for level in workflow.dag.toposorted(todo) for job in sorted(level, key=str)]


def own_terminal():
    """Put our view in the place of the engine's text, where that is what would be shown."""
    said = workflow.output_settings
    if said.verbose or not workflow.is_main_process or not workflow.modifier.is_main_snakefile():
        return None
    # whatever shows the run, lines of jobs side by side would only mix with it
    os.environ.update(shares_stderr_with(sys.stderr))
    text = next((handler for handler in logger.handlers if handler.name == "DefaultStreamHandler"), None)
    if text is None or said.printshellcmds or said.debug_dag or said.quiet:
        return None
    # on a cluster so many jobs are in the queue at a time; cores are those of a group there
    side_by_side = workflow.resource_settings.nodes or workflow.resource_settings.cores or 1
    terminal = Terminal(text, jobs_to_do, REMARKS, side_by_side, said.dryrun)
    logger.removeHandler(text)
    logger.addHandler(terminal)
    return terminal


TERMINAL = own_terminal()


def clear_terminal():
    """End the display, so that what is printed next stands below it."""
    if TERMINAL is not None:
        TERMINAL.finish()
