"""Stage report: where a chapter's artefacts stand, and the run's circumstances around the chapters."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hitforge.provenance import read_json, write_json
from hitforge.reporting.changes import compare_chapters
from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.page import ChapterFiles
from hitforge.reporting.run_info import RunInfo, read_benchmarks
from hitforge.stages.evaluate import read_plan
from hitforge.stages.report import make_page
from hitforge.studies.base import Study


def read_inputs(paths: Mapping[str, Any]) -> ReportInputs:
    """Turn plain data (paths as text) into report inputs."""

    def by_name(key: str) -> dict[str, Path]:
        return {name: Path(path) for name, path in paths[key].items()}

    return ReportInputs(
        study=paths["study"],
        settings=paths["settings"],
        metrics=by_name("metrics"),
        manifests=by_name("manifests"),
        calibrations=by_name("calibrations"),
        comparison=Path(paths["comparison"]),
        inventories=by_name("inventories"),
        shards={sample: tuple(Path(path) for path in few) for sample, few in paths["shards"].items()},
        outputs=read_plan(paths["outputs"]),
        scaling=Path(paths["scaling"]),
    )


def paths_in(results: Path, study: Study[Any]) -> dict[str, Any]:
    """Return the artefacts of a study under its results folder, for the models that were evaluated there.

    Raises
    ------
    FileNotFoundError
        There are no metrics.
    """
    models = sorted(path.stem for path in (results / "metrics").glob("*.json"))
    if not models:
        raise FileNotFoundError(f"{results / 'metrics'}: no metrics; run the workflow up to the target 'metrics' first")
    samples = sorted(path.name for path in (results / "shards").iterdir())
    return {
        "study": study.name,
        "settings": study.settings.model_dump(mode="json"),
        "metrics": {model: results / "metrics" / f"{model}.json" for model in models},
        "manifests": {model: results / "models" / model / "model.json" for model in models},
        "calibrations": {model: results / "calibration" / f"{model}.json" for model in models},
        "comparison": results / "comparison.json",
        "inventories": {sample: results / "inventory" / f"{sample}.json" for sample in samples},
        "shards": {sample: sorted((results / "shards" / sample).glob("*.h5"))[:8] for sample in samples},
        "outputs": {},
        "scaling": results / "scaling.json",
    }


def make_report(
    results: Path,
    studies: Sequence[str],
    benchmarks: Path,
    run: Mapping[str, Any],
    previous: Path,
    out: Path,
) -> None:
    """Bind the chapters of the studies into one page.

    Parameters
    ----------
    results : Path
        Folder with ``{study}/tables`` and ``{study}/figures``.
    benchmarks : Path
        The engine's benchmark files: time and memory of each stage.
    run : mapping
        Preset, seed, device and requested resources, for the run section.
    previous : Path
        File that remembers the chapters of the last report, for the section on what changed; not declared to the
        workflow, which would delete it before the job.
    """
    chapters = {study: read_json(results / study / "tables" / "chapter.json") for study in studies}
    before = read_json(previous) if previous.is_file() else None
    about = {key: value for key, value in run.items() if key != "requested"}
    info = RunInfo(
        **about,
        versions=RunInfo.installed_versions(),
        git_revision=_git_revision(),
        host=platform.node(),
        stages=read_benchmarks(benchmarks, requested=run.get("requested", {})),
        changes=None if before is None else compare_chapters(before, chapters),
    )
    files = [ChapterFiles(tables=results / study / "tables", figures=results / study / "figures") for study in studies]
    make_page(files, info, out)
    write_json(previous, chapters)


def _git_revision() -> str | None:
    """Return the checkout's revision, with ``-dirty`` where it has local changes; None outside a checkout."""
    git = shutil.which("git")
    if git is None:
        return None
    describe = [git, "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    answer = subprocess.run(describe, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None
