from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hitforge.config import study_files
from hitforge.fingerprint import stage_modules
from hitforge.named import load_function
from hitforge.reporting.catalogue import Catalogue, Section, figure, modules_of, table

CHAPTER = Catalogue(
    title="A chapter",
    summary="report.text:summary",
    notes="report.text:notes",
    sections=(
        Section("a", "A", text="report.words:a", views=(figure("f", "report.figures"), table("t", "report.tables"))),
        Section("b", "B", words=("One.",), views=(table("u", "hitforge.reporting.part_tables", unit="GeV"),)),
    ),
)


def test_names_stand_in_reading_order_and_only_once() -> None:
    assert CHAPTER.tables == ("t", "u") and CHAPTER.figures == ("f",)
    assert CHAPTER.views("table")[1].options == {"unit": "GeV"}
    with pytest.raises(ValueError, match="table 't' stands in it twice"):
        Catalogue(title="", sections=(CHAPTER.sections[0], CHAPTER.sections[0]))


def test_words_are_code_of_the_tables_and_not_of_the_figures() -> None:
    own = "hitforge.studies.toy.report"
    assert modules_of(CHAPTER, "toy", "figures") == ("hitforge.studies.toy", f"{own}.figures")
    assert modules_of(CHAPTER, "toy", "tables") == (
        "hitforge.reporting.part_tables",
        "hitforge.studies.toy",
        *(f"{own}.{module}" for module in ("tables", "text", "words")),
    )


def test_a_function_that_is_not_there_is_named() -> None:
    assert load_function("toy", "hitforge.reporting.part_tables:cut_flow").__name__ == "cut_flow"
    with pytest.raises(AttributeError, match=r"study toy: module hitforge\.\S+ has no function 'cutflow'"):
        load_function("toy", "hitforge.reporting.part_tables:cutflow")


def test_the_workflow_reads_catalogues_without_what_they_draw_with() -> None:
    code = "import sys, hitforge.reporting.catalogue; print([m for m in ('numpy', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("study", sorted(study_files()))
def test_tables_and_words_do_not_reach_what_draws(study: str) -> None:
    reached = stage_modules(study, "tables", Path("workflow/scripts/make_tables.py"))
    assert not {"hitforge.reporting.style", "hitforge.reporting.plotting"} & reached
