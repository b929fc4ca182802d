"""Stage make-tables: the tables and the words of a chapter."""

from __future__ import annotations

import logging
from pathlib import Path

import rich.console

from hitforge.provenance import write_json
from hitforge.reporting.catalogue import Catalogue, make
from hitforge.reporting.chapter import ReportInputs, Table
from hitforge.reporting.chapter_parts import write_chapter
from hitforge.reporting.tables import read_table, to_terminal, write_table

log = logging.getLogger(__name__)


def make_tables(catalogue: Catalogue, inputs: ReportInputs, folder: Path) -> None:
    """Write the tables of a chapter, ``<name>.{csv,md,tex,json}`` each, and its words as ``chapter.json``."""
    for view in catalogue.views("table"):
        table: Table = make(view, inputs)
        write_table(table, folder)
        log.info("table %s: %d rows", table.name, len(table.rows))
    write_json(folder / "chapter.json", write_chapter(catalogue, inputs).model_dump(mode="json"))


def headline_text(folder: Path, width: int = 100) -> str:
    """Return the headline table of a tables folder for the terminal."""
    console = rich.console.Console(width=width, force_terminal=False, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(to_terminal(read_table(folder, "headline"), width))
    return capture.get()
