"""The engine's log as a person reads it, in place of the engine's own text on the terminal.

A handler of the standard library's ``logging``, so that the package need not import the engine: what the engine logs
carries the name of an event and its fields. What is no event of a run is left to the handler of the engine.
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from hitforge.terminal.estimate import Estimator
from hitforge.terminal.jobs import Job, duration, seconds_of, stage_name, what_of
from hitforge.terminal.plan import plan_table
from hitforge.terminal.run_state import Notes

LOG_LINES = 20
WIDTH = 100
# the engine's call of a script, a temporary file
_CALL = re.compile(r"^Command '.*'(?= (?:returned|died))")
_NOTHING = "Nothing to be done"
# of a failure, which is said with the job and again at the end
_SAID = ("Exiting because a job execution failed", "WorkflowError:\nAt least one job did not complete")


class Terminal(logging.Handler):
    """Shows one line a job, a bar where there is a terminal, and errors with the end of their log.

    Parameters
    ----------
    engine : logging.StreamHandler
        The engine's handler: says everything before the run, and all warnings and errors that are no job's.
    planned : callable
        Returns the jobs to be done, once the engine knows them.
    remarks : mapping
        For each study what may be a mistake in its settings.
    cores : int
        Jobs side by side, for the first estimate of the time left.
    dry : bool
        Whether nothing is run: then the plan is all that is shown.
    """

    def __init__(
        self,
        engine: logging.StreamHandler[TextIO],
        planned: Callable[[], Iterable[Job]],
        remarks: Mapping[str, Sequence[str]],
        cores: int = 1,
        dry: bool = False,
    ) -> None:
        super().__init__()
        self.engine, self.planned, self.remarks, self.dry = engine, planned, remarks, dry
        self.filters = list(engine.filters)
        tty = engine.stream.isatty()
        self.console = Console(file=engine.stream, soft_wrap=not tty, width=None if tty else WIDTH, highlight=False)
        self.estimator = Estimator(Path("benchmarks"), max(1, cores))
        self.bar = Progress(
            BarColumn(24), TextColumn("{task.description}"), console=self.console, transient=True, refresh_per_second=2
        )
        self.task: TaskID | None = None
        self.jobs: dict[str, Job] = {}
        self.running: dict[int, tuple[str, str, str, float]] = {}
        self.attempts: Counter[int] = Counter()
        self.failed: dict[int, str] = {}
        self.reasons: dict[int | None, str] = {}
        self.started = self.in_run = False
        self.begin = time.monotonic()
        self.total = self.done = 0
        self.stages: dict[str, tuple[int, int]] = {}
        self.notes = Notes()

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        event = str(getattr(record, "event", None) or "")
        show = getattr(self, f"_{event}", None)
        try:
            if event == "workflow_started":
                self.in_run = True
            elif not self.in_run or (show is None and self._is_for_people(record)):
                self._engines(record)
            elif show is not None:
                show(record)
        except Exception:  # noqa: BLE001 (what logging does with an error of a handler)
            self.handleError(record)

    def _is_for_people(self, record: logging.LogRecord) -> bool:
        """Whether the engine's own words are worth a line: an error, a warning, or that nothing is to be done."""
        words = str(record.msg)
        return (record.levelno >= logging.WARNING or words.startswith(_NOTHING)) and not words.startswith(_SAID)

    def _engines(self, record: logging.LogRecord) -> None:
        if self.task is None:
            self.engine.handle(record)
        else:
            self.console.print(
                Text(self.engine.format(record), style="yellow" if record.levelno < 40 else "red"), soft_wrap=True
            )

    def _run_info(self, _: logging.LogRecord) -> None:
        """Show the plan, once; in a real run, start the bar."""
        if self.started:
            return
        self.started = True
        todo = list(self.planned())
        self.jobs = {f"{job.stage}:{job.what}": job for job in todo}
        self.total = len(todo)
        self.stages = {name: (0, n) for name, n in Counter(f"{job.study} {job.stage}".strip() for job in todo).items()}
        self.estimator.start(todo)
        self.console.print(plan_table(todo, self.estimator))
        for study in dict.fromkeys(job.study for job in todo):
            for remark in self.remarks.get(study, ()):
                self.console.print(Text(f"Note: {study}: {remark}", style="bold yellow"), soft_wrap=True)
        if self.dry:
            return
        self.console.print()
        self.begin = time.monotonic()
        self.task = self.bar.add_task(self._state(), total=self.total)
        if self.console.is_terminal:
            self.bar.start()

    def _job_info(self, record: logging.LogRecord) -> None:
        fields = vars(record)
        if self.dry or not fields["log"]:
            return
        stage = stage_name(fields["rule_name"], self.remarks)
        what = what_of(fields["log"][0], stage)
        self.running[fields["jobid"]] = (stage, what, fields["benchmark"] or "", time.time())
        self.attempts[fields["jobid"]] += 1
        self._refresh()

    def _job_finished(self, record: logging.LogRecord) -> None:
        jobid: int = vars(record)["job_id"]
        if jobid not in self.running:
            return
        stage, what, benchmark, since = self.running.pop(jobid)
        self.done += 1
        self._count(stage, what)
        self.failed.pop(jobid, None)
        own = seconds_of(benchmark) if benchmark and _changed_after(benchmark, since) else None
        seconds = time.time() - since if own is None else own
        self.estimator.finish(self.jobs.get(f"{stage}:{what}"), seconds)
        self._line(Text(f"[{self.done:{len(str(self.total))}}/{self.total}] "), stage, what, duration(seconds))
        self._refresh()

    def _count(self, stage: str, what: str) -> None:
        job = self.jobs.get(f"{stage}:{what}")
        name = f"{job.study if job else ''} {stage}".strip()
        if name in self.stages:
            done, total = self.stages[name]
            self.stages[name] = (done + 1, total)

    def _line(self, line: Text, stage: str, what: str, end: str) -> None:
        line.append(f"{stage:<16} ", style="bold").append(f"{what}  ").append(end, style="dim")
        self.console.print(line, soft_wrap=True)

    def _error(self, record: logging.LogRecord) -> None:
        """Keep the exception of a job's script for its block; the engine logs it in the same thread, just before."""
        if vars(record).get("exception") == "RuleException":
            last = record.getMessage().strip().splitlines()[-1]
            self.reasons[record.thread] = _CALL.sub("its script", last)
        elif self._is_for_people(record):
            self._engines(record)

    def _job_error(self, record: logging.LogRecord) -> None:
        fields = vars(record)
        self._failure(fields["jobid"], fields["rule_name"], fields["log"], fields["rule_msg"], record.thread)

    def _group_error(self, record: logging.LogRecord) -> None:
        """Show the logs of the scheduler; the engine then logs an error for each job of the group."""
        for log in vars(record)["aux_logs"]:
            self._end_of(log)

    def _failure(self, jobid: int, rule: str, logs: Iterable[str], message: str | None, thread: int | None) -> None:
        stage, what, _, since = self.running.pop(jobid, (stage_name(rule, self.remarks), "", "", time.time()))
        logs = list(logs)
        name = f"{stage} {what}".strip()
        self.failed[jobid] = f"{name}: {', '.join(logs)}"
        again = f", attempt {self.attempts[jobid]}" if self.attempts[jobid] > 1 else ""
        self.console.print(Text(f"Failed: {name} after {duration(time.time() - since)}{again}", style="bold red"))
        for words in filter(None, (message, self.reasons.pop(thread, None))):
            self.console.print(Text(f"    {words.strip()}"), soft_wrap=True)
        for log in logs:
            self._end_of(log)
        self._refresh()

    def _end_of(self, log: str) -> None:
        try:
            lines = Path(log).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        left_out = f", the last {LOG_LINES} of {len(lines)} lines" if len(lines) > LOG_LINES else ""
        self.console.print(Text(f"    {log}{left_out}:" if lines else f"    {log}: empty"), soft_wrap=True)
        # a cluster's log of a job repeats the job's own after the line that says how it ended
        ends = [line for line in lines[:-LOG_LINES] if "exit status" in line]
        for line in [*ends, *lines[-LOG_LINES:]]:
            self.console.print(Text(f"    | {line}"), soft_wrap=True)

    def _nothing(self, _: logging.LogRecord) -> None:
        """Leave out what the engine logs for its own purposes."""

    _group_info = _shellcmd = _job_started = _progress = _resources_info = _rulegraph = _nothing

    def _state(self) -> str:
        stages = Counter(stage for stage, *_ in self.running.values())
        now = ", ".join(f"{stage} x{n}" if n > 1 else stage for stage, n in stages.most_common(3))
        left = self.estimator.left(time.monotonic() - self.begin)
        words = [f"{self.done} of {self.total}", *([f"about {duration(left)} left"] if left else []), now]
        return "  ".join(filter(None, words))

    def _refresh(self) -> None:
        if self.task is not None:
            self.bar.update(self.task, completed=self.done, description=self._state())
            self._note()

    def _note(self, ended: bool = False) -> None:
        running = {f"{stage} {what}".strip(): since for stage, what, _, since in self.running.values()}
        left = self.estimator.left(time.monotonic() - self.begin)
        self.notes.write(self.stages, running, tuple(self.failed.values()), left, ended)

    def finish(self) -> None:
        """Take the bar away and say how the run ended; what is printed afterwards stands below."""
        if self.task is None:
            return
        self._note(ended=True)
        self.task = None
        if self.console.is_terminal:
            self.bar.stop()
        count = f"{self.done} of {self.total} jobs done in {duration(time.monotonic() - self.begin)}"
        self.console.print(Text(count, style="bold red" if self.failed else "bold green"))
        for failed in self.failed.values():
            self.console.print(Text(f"Failed: {failed}", style="red"), soft_wrap=True)

    def close(self) -> None:
        """End the display."""
        self.finish()
        super().close()


def _changed_after(path: str, moment: float) -> bool:
    """Whether a file is of this run; file systems may round its time down to a second."""
    try:
        return Path(path).stat().st_mtime >= moment - 1
    except OSError:
        return False
