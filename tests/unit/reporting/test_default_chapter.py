from __future__ import annotations

from pathlib import Path

from hitforge.reporting.chapter import Chapter, Measured
from hitforge.reporting.default_chapter import CHAPTER
from hitforge.reporting.tables import read_table
from hitforge.stages.report_figures import make_figures
from hitforge.stages.report_tables import make_tables
from tests.unit.reporting.toy import toy_inputs


def test_a_study_without_a_chapter_has_every_single_number(tmp_path: Path) -> None:
    number = {"value": 0.5, "error": 0.1, "reason": None}
    array = {"value": [0.5, 0.6], "error": [0.1, 0.1], "reason": None}
    metrics = {"a": {"n": 12, "mean": number, "classes": {"top_1": number, "all": array}}, "b": {"mean": number}}
    inputs = toy_inputs(tmp_path, metrics, settings={"reference_model": "b"})
    make_tables(CHAPTER, inputs, tmp_path / "tables")
    headline = read_table(tmp_path / "tables", "headline")
    assert [column.label for column in headline.columns] == ["Model", "mean", "classes top 1"]
    half = Measured(value=0.5, error=0.1)
    absent = Measured(value=None, reason="the model's metrics have no such number")
    assert headline.rows == (("a", half, half), ("b", half, absent)) and headline.highlight == (1,)
    chapter = Chapter.model_validate_json((tmp_path / "tables" / "chapter.json").read_text(encoding="utf-8"))
    assert chapter.summary[1] == "The reference model b on the test events: mean 0.50 ± 0.10."
    assert [item.quantity for item in chapter.headline] == ["mean", "classes top 1", "mean"]
    assert {path.stem for path in (tmp_path / "tables").glob("*.csv")} == set(CHAPTER.tables)


def test_its_figures_say_why_they_are_empty(tmp_path: Path) -> None:
    inputs = toy_inputs(tmp_path, {"a": {}})
    make_figures(CHAPTER, inputs, tmp_path / "figures")
    assert {path.stem for path in (tmp_path / "figures").glob("*.svg")} == set(CHAPTER.figures)
