"""Stages make-tables and make-figures: from metrics to what a physicist reads."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import rich.console

from hitforge.provenance import write_json
from hitforge.reporting.chapter import Reporter, ReportInputs
from hitforge.reporting.style import hep_style, write_figure
from hitforge.reporting.tables import read_table, to_terminal, write_table

log = logging.getLogger(__name__)

CHAPTER_FILE = "chapter.json"


def make_tables(study: Reporter, inputs: ReportInputs, folder: Path) -> None:
    """Write the tables of a study's chapter as CSV, Markdown, LaTeX and JSON, and its text as ``chapter.json``.

    Parameters
    ----------
    folder : Path
        Gets ``<name>.{csv,md,tex,json}`` for each name in the study's ``settings.TABLES``, and ``chapter.json``.
    """
    for table in study.tables(inputs):
        write_table(table, folder)
        log.info("table %s: %d rows", table.name, len(table.rows))
    write_json(folder / CHAPTER_FILE, study.chapter(inputs).model_dump(mode="json"))


def make_figures(study: Reporter, inputs: ReportInputs, folder: Path) -> None:
    """Draw the figures of a study's chapter, one after another.

    Parameters
    ----------
    folder : Path
        Gets ``<name>.{svg,png,json}`` for each name in the study's ``settings.FIGURES``; the JSON holds the caption.
    """
    with hep_style():
        start = time.perf_counter()
        for figure in study.figures(inputs):
            write_figure(figure, folder)
            log.info("figure %s: %.1f s%s", figure.name, time.perf_counter() - start, " (empty)" * bool(figure.empty))
            start = time.perf_counter()


def headline_text(folder: Path, width: int = 120) -> str:
    """Return the headline table of a tables folder for the terminal."""
    console = rich.console.Console(width=width, force_terminal=False, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(to_terminal(read_table(folder, "headline")))
    return capture.get()
