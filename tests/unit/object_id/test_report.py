"""Tables, figures and text of the chapter from a fabricated production."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hitforge.published import load_published
from hitforge.reporting.catalogue import make
from hitforge.reporting.chapter import Figure, Measured, ReportInputs, Table
from hitforge.reporting.chapter_parts import write_chapter
from hitforge.reporting.metrics import verdict
from hitforge.reporting.model_looks import look_of
from hitforge.reporting.style import hep_style
from hitforge.reporting.tables import write_table
from hitforge.studies.object_id.data.objects import CLASS_NAMES
from hitforge.studies.object_id.report.chapter import CHAPTER
from hitforge.studies.object_id.report.data_figures import accuracy_history
from hitforge.studies.object_id.report.result_figures import CLASS_COLOURS, confusion, roc_pairs
from hitforge.studies.object_id.report.text import front_row
from hitforge.studies.object_id.report.view import predicted_objects
from tests.unit.object_id.fabricate_report import STRENGTHS, fabricate


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> ReportInputs:
    return fabricate(tmp_path_factory.mktemp("production"))


@pytest.fixture(scope="module")
def tables(inputs: ReportInputs) -> dict[str, Table]:
    return {table.name: table for table in all_tables(inputs)}


def all_tables(inputs: ReportInputs) -> list[Table]:
    return [make(view, inputs) for view in CHAPTER.views("table")]


def all_figures(inputs: ReportInputs) -> list[Figure]:
    with hep_style():
        return [make(view, inputs) for view in CHAPTER.views("figure")]


def rows_of(table: Table) -> list[dict[str, object]]:
    return [dict(zip((column.key for column in table.columns), row, strict=True)) for row in table.rows]


def test_all_tables_are_filled_and_every_missing_number_says_why(tables: dict[str, Table], tmp_path: Path) -> None:
    assert tuple(tables) == CHAPTER.tables
    for table in tables.values():
        assert table.rows and not table.empty, table.name
        write_table(table, tmp_path)
        for row in table.rows:
            assert len(row) == len(table.columns), table.name
            for cell in row:
                assert not isinstance(cell, Measured) or cell.value is not None or cell.reason, table.name


def test_the_headline_has_the_floors_and_every_model(inputs: ReportInputs, tables: dict[str, Table]) -> None:
    rows = {row["model"]: row for row in rows_of(tables["headline"])}
    assert list(rows) == list(STRENGTHS)
    number = inputs.metrics_of["ens5"]["samples"]["test"]["classes"]["macro_recall"]
    assert rows["ens5"]["balanced_accuracy"] == Measured(value=100 * number["value"], error=100 * number["error"])
    assert rows["majority"]["balanced_accuracy"].value < rows["ens5"]["balanced_accuracy"].value


def test_supports_add_up(inputs: ReportInputs, tables: dict[str, Table]) -> None:
    rows = [r for r in rows_of(tables["class_report"]) if r["model"] == "hgb" and r["sample"] == "test"]
    counts = [int(row["support"]) for row in rows]
    assert sum(counts[:4]) == counts[4] == inputs.metrics_of["hgb"]["samples"]["test"]["n_objects"]


def test_aims_compare_the_right_models(inputs: ReportInputs, tables: dict[str, Table]) -> None:
    rows = rows_of(tables["aims"])
    assert len(rows) == 7
    values = {m: inputs.metrics_of[m]["samples"]["test"]["classes"]["macro_recall"]["value"] for m in STRENGTHS}
    first = rows[0]["distance"]
    assert isinstance(first, Measured)
    assert first.value == pytest.approx(100 * (values["hgb"] - values["logreg-T"]) - 25.0)
    second = rows[1]["distance"]
    assert isinstance(second, Measured) and second.value == pytest.approx(100 * (values["ens5"] - values["seed-cnn"]))
    cases = (Measured(value=1.0, error=0.1), Measured(value=-1.0, error=0.1), Measured(value=0.1, error=0.1))
    assert [verdict(number) for number in cases] == ["met", "missed", "open"]
    assert verdict(Measured(value=None, reason="x")) == "not measured"


def test_single_images_stand_beside_the_printed_ones(inputs: ReportInputs, tables: dict[str, Table]) -> None:
    rows = rows_of(tables["image_scores"])
    assert [row["true"] for row in rows] == [*CLASS_NAMES, *CLASS_NAMES]
    assert rows[4]["electron"] == Measured(value=98.5, decimals=3)
    found = predicted_objects(inputs)
    assert found is not None
    first = found.probabilities[np.flatnonzero(found.label == 2)[0]]
    assert [rows[2][name].value for name in CLASS_NAMES] == pytest.approx((100 * first).tolist())
    assert all(99.9 < sum(row) < 100.1 for row in load_published("object_id").blocks["scores_percent"].values())


def test_the_sweep_names_its_variants(inputs: ReportInputs, tables: dict[str, Table]) -> None:
    rows = rows_of(tables["sweep"])
    assert [row["model"] for row in rows] == ["sweep-mse"]
    assert rows[0]["best_epoch"] == 10 and rows[0]["validation_accuracy"].value == pytest.approx(78.0)
    alone = Measured(value=100 * inputs.metrics_of["sweep-mse"]["samples"]["test"]["member_accuracy"][0], decimals=2)
    assert rows[0]["test_accuracy"] == alone


def test_all_figures_are_drawn(inputs: ReportInputs) -> None:
    figures = all_figures(inputs)
    assert tuple(figure.name for figure in figures) == CHAPTER.figures
    assert all(figure.caption and not figure.empty for figure in figures), [f.name for f in figures if f.empty]


def test_a_model_that_leaves_no_background_is_drawn_at_zero(inputs: ReportInputs) -> None:
    metrics = inputs.metrics_of["ens5"]["samples"]["test"]
    curve = {**metrics["curve_pairs"]["background"], "value": np.zeros((6, 24)).tolist()}
    samples = {**inputs.metrics_of["ens5"]["samples"], "test": {**metrics, "curve_pairs": {"background": curve}}}
    perfect = dataclasses.replace(inputs)
    # what was read stays read
    perfect.__dict__["metrics_of"] = inputs.metrics_of | {"ens5": {**inputs.metrics_of["ens5"], "samples": samples}}
    with hep_style():
        drawn = roc_pairs(perfect).figure
    for axes, area in zip(drawn.axes, metrics["auc_pairs"]["auc"]["value"], strict=True):
        (line,) = [line for line in axes.lines if line.get_color() == look_of(inputs, "ens5").colour]
        assert axes.get_ylim()[0] < 0 and not np.any(line.get_ydata()) and len(line.get_ydata()) == 24
        assert line.get_label() == f"ens5, {area:.4f}"
        low, frame = axes.transData.transform((0.0, 0.0))[1], axes.get_window_extent()
        assert frame.y0 + 2 < low < frame.y0 + 0.1 * frame.height  # beside the frame, not on it


def test_a_figure_shows_a_few_models_each_in_its_colour(inputs: ReportInputs) -> None:
    with hep_style():
        assert [axes.get_title(loc="left") for axes in confusion(inputs).figure.axes] == ["ens5", "seed-cnn", "hgb"]
        panels = accuracy_history(inputs).figure.axes
    for axes in panels:
        assert {line.get_color() for line in axes.lines} == {look_of(inputs, axes.get_title(loc="left")).colour}
    assert not {look_of(inputs, model).colour for model in inputs.metrics} & set(CLASS_COLOURS.values())


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    one = dataclasses.replace(fabricate(tmp_path, ("hgb",)), shards={}, outputs={})
    empty = {figure.name for figure in all_figures(one) if figure.empty}
    images = {"misclassified", "mean_images", "example_images", "event_displays", "occlusion"}
    assert empty == {"scores", "kinematics", "accuracy_history", *images}
    tables = {table.name: table for table in all_tables(one)}
    assert {name for name, table in tables.items() if table.empty} == {"differences", "sweep"}
    assert {row["verdict"] for row in rows_of(tables["aims"])} == {"not measured"}


def test_the_text_shows_everything_and_is_honest_about_the_data(inputs: ReportInputs) -> None:
    chapter = write_chapter(CHAPTER, inputs)
    shown = [item for section in chapter.sections for item in section.items]
    assert sorted(item.name for item in shown if item.kind == "table") == sorted(CHAPTER.tables)
    assert sorted(item.name for item in shown if item.kind == "figure") == sorted(CHAPTER.figures)
    notes = " ".join(chapter.notes)
    assert "no validated detector simulation" in notes and "function, not physics" in notes
    assert "1 of 2 parts of train are left out" in notes
    assert {number.model for number in chapter.headline} == set(STRENGTHS)


def test_line_on_the_front_page_is_the_paired_gain_over_the_seeds_network(inputs: ReportInputs) -> None:
    row = front_row(inputs)
    values = {m: inputs.metrics_of[m]["samples"]["test"]["classes"]["macro_recall"]["value"] for m in STRENGTHS}
    assert (row.baseline, row.ensemble) == ("seed-cnn", "ens5")
    assert row.gain.value == pytest.approx(100 * (values["ens5"] - values["seed-cnn"])) and row.gain.error
    assert row.published == "93.6 to 99.9 % (slides, 2017)" and "one image" in row.other_sample
    alone = front_row(dataclasses.replace(inputs, metrics={"ens5": inputs.metrics["ens5"]}))
    assert alone.baseline_number.reason == "seed-cnn was not run"
