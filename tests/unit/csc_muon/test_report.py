"""Tables, figures and text of the chapter from a fabricated production."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hitforge.provenance import read_json, write_json
from hitforge.published import load_published
from hitforge.reporting.catalogue import make
from hitforge.reporting.chapter import Figure, Measured, ReportInputs, Table
from hitforge.reporting.chapter_parts import write_chapter
from hitforge.reporting.figure_files import write_figure
from hitforge.reporting.figure_values import figure_values
from hitforge.reporting.metrics import verdict
from hitforge.reporting.plotting import draw_points, mark_beyond
from hitforge.reporting.style import hep_style, new_figure
from hitforge.reporting.tables import write_table
from hitforge.studies.csc_muon.evaluation.turn_on import turn_on_curve
from hitforge.studies.csc_muon.features import FEATURE_NAMES
from hitforge.studies.csc_muon.report.chapter import CHAPTER
from hitforge.studies.csc_muon.report.class_figures import class_calibration
from hitforge.studies.csc_muon.report.meanings import meaning_of
from hitforge.studies.csc_muon.report.resolution_figures import charge, resolution
from hitforge.studies.csc_muon.report.result_tables import headline, published
from hitforge.studies.csc_muon.report.text import front_row
from hitforge.studies.csc_muon.report.trigger_figures import fit_follows, turn_on, turn_on_regions
from hitforge.studies.csc_muon.report.view import headline_of, main_models
from tests.unit.csc_muon.fabricate_report import REFERENCE, fabricate


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> ReportInputs:
    """Artefacts with few roads: some numbers are null with a reason."""
    return fabricate(tmp_path_factory.mktemp("production"))


def all_tables(inputs: ReportInputs) -> Iterator[Table]:
    return (make(view, inputs) for view in CHAPTER.views("table"))


def all_figures(inputs: ReportInputs) -> Iterator[Figure]:
    return (make(view, inputs) for view in CHAPTER.views("figure"))


@pytest.fixture(scope="module")
def tables(inputs: ReportInputs) -> dict[str, Table]:
    return {table.name: table for table in all_tables(inputs)}


def rows_of(table: Table) -> list[dict[str, object]]:
    return [dict(zip((column.key for column in table.columns), row, strict=True)) for row in table.rows]


def value_of(cell: object) -> float:
    assert isinstance(cell, Measured) and cell.value is not None
    return cell.value


def test_all_tables_are_filled_and_written(tables: dict[str, Table], tmp_path: Path) -> None:
    assert tuple(tables) == CHAPTER.tables
    for table in tables.values():
        assert table.rows and not table.empty, table.name
        write_table(table, tmp_path)
        assert (tmp_path / f"{table.name}.csv").is_file()


def test_every_missing_number_says_why(tables: dict[str, Table]) -> None:
    for table in tables.values():
        for row in table.rows:
            for cell in row:
                if isinstance(cell, Measured) and cell.value is None:
                    assert cell.reason, table.name


def test_headline_has_all_models_and_published_values_beside(inputs: ReportInputs, tables: dict[str, Table]) -> None:
    rows = {row["model"]: row for row in rows_of(tables["headline"])}
    assert list(rows) == list(inputs.metrics)
    metrics = inputs.metrics_of[REFERENCE]["samples"]["test"]
    assert rows[REFERENCE]["accuracy"] == Measured(
        value=100 * metrics["classes"]["accuracy"]["value"], error=100 * metrics["classes"]["accuracy"]["error"]
    )
    assert rows["seed-fcn4"]["published_accuracy"] == Measured(value=84.0, decimals=0)
    assert rows[REFERENCE]["published_accuracy"] is None
    assert rows["emtf-bdt"]["rate_reduction"] == Measured(value=1.0, error=0.0)
    assert any("another data set" in note for note in tables["headline"].notes)


def test_a_headline_number_that_there_is_not_says_why(inputs: ReportInputs, tmp_path: Path) -> None:
    numbers = headline_of(inputs, "seed-bdt")
    absent = inputs.metrics_of["seed-bdt"]["samples"]["test"]["absent"]
    assert numbers["charge_misid"] == Measured(value=None, reason=absent["q_over_pt"])
    assert numbers["accuracy"].value is not None and headline_of(inputs, "unknown") == {}
    write_json(tmp_path / "comparison.json", {"samples": {}})
    alone = dataclasses.replace(inputs, comparison=tmp_path / "comparison.json")
    assert headline_of(alone, "seed-bdt")["rate_reduction"].reason == "not compared"


def test_the_deck_table_has_three_conventions_and_the_printed_rows(tables: dict[str, Table]) -> None:
    rows = [row for row in rows_of(tables["deck_thresholds"]) if row["model"] == "seed-bdt"]
    ours = [row for row in rows if row["sample"] == "test"]
    assert {row["range"] for row in ours} == {"pT ≥ b", "pT < next b", "b ≤ pT < next b"} and len(ours) == 9
    printed = [row for row in rows if row["sample"] == "published, other data"]
    assert [row["b_2"] for row in printed] == [Measured(value=v, decimals=3) for v in (0.606, 0.507, 0.626)]


def test_class_report_is_for_every_sample_and_its_supports_add_up(
    inputs: ReportInputs, tables: dict[str, Table]
) -> None:
    rows = [row for row in rows_of(tables["class_report"]) if row["model"] == "seed-fcn4"]
    assert {row["sample"] for row in rows} == {"held-out", "test"}
    counts = [row["support"] for row in rows if row["sample"] == "test"]
    assert sum(counts[:4]) == counts[4] == inputs.metrics_of["seed-fcn4"]["samples"]["test"]["n_muons"]
    assert rows[0]["published_precision"] == Measured(value=0.99, decimals=2)


def test_the_search_is_shown_trial_by_trial(tables: dict[str, Table], inputs: ReportInputs) -> None:
    table = tables["bayesian_search"]
    assert [row["iteration"] for row in rows_of(table)] == [1, 2, 3, 4, 5, 6]
    errors = [value_of(row["rmse"]) for row in rows_of(table)]
    assert errors == [trial["score"] ** 0.5 for trial in inputs.manifest_of["seed-bdt"]["trials"]]
    assert table.highlight == (errors.index(min(errors)),)


def test_ablations_stand_beside_their_full_model(tables: dict[str, Table], inputs: ReportInputs) -> None:
    (row,) = rows_of(tables["ablations"])
    assert (row["model"], row["base"]) == ("hgb-no-bend", "hgb")
    assert isinstance(row["difference_rmse"], Measured) and row["difference_rmse"].error
    assert "hgb-no-bend" not in main_models(inputs)
    assert set(inputs.metrics) - set(main_models(inputs)) == {"hgb-no-bend"}


def test_published_numbers_name_quantities_that_exist(inputs: ReportInputs) -> None:
    for row in rows_of(published(inputs)):
        if row["this_run"] is not None:
            assert isinstance(row["this_run"], Measured)
    ours = {(row["model"], row["quantity"]): row["this_run"] for row in rows_of(published(inputs))}
    found = inputs.metrics_of["seed-bdt"]["samples"]["test"]["pt"]["median_ae"]
    assert value_of(ours["seed-bdt", "median absolute error in pT [GeV]"]) == found["value"]


def test_the_printed_auc_beats_none_of_ours_by_default(tables: dict[str, Table]) -> None:
    rows = rows_of(tables["auc"])
    assert rows[-1]["roads"] == "four CSC hits, other data"
    assert {row["roads"] for row in rows} == {"all roads", "four CSC hits", "four CSC hits, other data"}
    assert tables["auc"].highlight == ()


def test_all_figures_are_drawn_and_repeat_byte_for_byte(inputs: ReportInputs, tmp_path: Path) -> None:
    names = []
    with hep_style():
        for figure in all_figures(inputs):
            names.append(figure.name)
            assert figure.caption and not figure.empty, figure.name
            if figure.name == "class_calibration":
                write_figure(figure, tmp_path / "a")
        write_figure(class_calibration(inputs), tmp_path / "b")
    assert tuple(names) == CHAPTER.figures
    for suffix in ("svg", "png", "json"):
        written = [(tmp_path / folder / f"class_calibration.{suffix}").read_bytes() for folder in "ab"]
        assert written[0] == written[1]


def test_a_fit_is_drawn_only_where_it_follows_points_that_reach_the_plateau() -> None:
    x, fit = np.linspace(5.0, 40.0, 36), (18.0, 3.0, 0.95)
    y = turn_on_curve(x, *fit)
    band = np.stack([y - 0.03, np.minimum(y + 0.03, 1.0)])
    assert fit_follows(x, y, band, fit, 22.0)
    assert not fit_follows(x, y, band, (fit[0] - 3.0, *fit[1:]), 22.0)
    assert not fit_follows(x[x < 20], y[x < 20], band[:, x < 20], fit, 22.0)
    assert not fit_follows(x, y, band, (np.nan,) * 3, 22.0)


def test_turn_on_curves_end_with_their_points(inputs: ReportInputs) -> None:
    with hep_style():
        figures = turn_on(inputs).figure, turn_on_regions(inputs).figure
    curves = 0
    for axes in (axes for figure in figures for axes in figure.axes):
        points = {bars.lines[0].get_color(): bars.lines[0].get_xdata() for bars in axes.containers}
        for line in (line for line in axes.lines if len(line.get_xdata()) == 400):
            own = points[line.get_color()]
            curves += 1
            assert (line.get_xdata()[0], line.get_xdata()[-1]) == (min(own), max(own))
    assert curves


def test_a_panel_shows_at_most_four_models_and_equal_ones_once(inputs: ReportInputs) -> None:
    assert len(main_models(inputs)) > 4
    with hep_style():
        for axes in resolution(inputs).figure.axes:
            assert 2 <= len(axes.containers) <= 4
        left = charge(inputs).figure.axes[0]
    drawn = [tuple(bars.lines[0].get_ydata()) for bars in left.containers]
    assert len(set(drawn)) == len(drawn)


def test_points_beyond_an_axis_are_marked_at_its_end() -> None:
    with hep_style():
        axes = new_figure().subplots()
        draw_points(axes, np.arange(3.0), np.array([1.0, 50.0, -9.0]), np.ones(3), 0, "#bd1f01", "model")
        axes.set_ylim(-2.0, 2.0)
        mark_beyond(axes)
    above, below = (line.get_xydata().tolist() for line in axes.lines[-2:])
    assert (above, below) == ([[1.0, 1.0]], [[2.0, 0.0]])
    assert not any(line.get_in_layout() for line in axes.lines[-2:])
    # the marks stand at the end of the axis, and are not among the values of the figure
    assert [point["y"] for point in figure_values(axes.get_figure())] == [1.0, 50.0, -9.0]


def test_features_are_called_by_their_meaning() -> None:
    assert {name for name in FEATURE_NAMES if meaning_of(name) == name} == {"straightness"}
    assert len({meaning_of(name) for name in FEATURE_NAMES}) == len(FEATURE_NAMES)


def test_figures_without_content_say_why(tmp_path: Path) -> None:
    one = dataclasses.replace(fabricate(tmp_path, n_guns=60, bootstraps=2, models=("seed-bdt",)), shards={}, outputs={})
    with hep_style():
        empty = {figure.name: figure.empty for figure in all_figures(one) if figure.empty}
    assert {"turn_on", "rate", "charge", "predictions", "coverage", "class_calibration", "hit_images"} <= set(empty)
    assert "too few calibration muons" in str(empty["turn_on"])
    assert all(read_json(one.metrics["seed-bdt"])["samples"])
    assert {table.name for table in all_tables(one) if table.empty} >= {"ablations", "uncertainty", "missing_values"}
    assert headline(one).rows


def test_the_text_is_honest_about_the_data(inputs: ReportInputs, tables: dict[str, Table]) -> None:
    chapter = write_chapter(CHAPTER, inputs)
    shown = [item for section in chapter.sections for item in section.items]
    assert {item.name for item in shown if item.kind == "table"} == set(CHAPTER.tables)
    assert {item.name for item in shown if item.kind == "figure"} == set(CHAPTER.figures)
    notes = " ".join(chapter.notes)
    assert "no validated detector simulation" in notes and "fair comparison" in notes
    assert "No RMSE q/pT of seed-bdt, seed-fcn4: the model does not predict the sign of the charge." in notes
    assert "1 of 2 parts of train are left out" in notes
    numbers = {(n.model, n.quantity): n.number for n in chapter.headline}
    assert numbers[REFERENCE, "accuracy, 4 classes"] == rows_of(tables["headline"])[-1]["accuracy"]


def test_published_values_are_as_printed() -> None:
    printed = load_published("csc_muon")
    accuracy, rmse = printed.find("accuracy", "seed-fcn4"), printed.find("rmse_q_over_pt", "seed-fcnr")
    assert accuracy is not None and accuracy.value == 0.84
    assert rmse is not None and rmse.value == 0.047
    assert sum(printed.blocks["class_shares_percent"]) == pytest.approx(100.0)
    assert {len(v) for rows in printed.blocks["deck_thresholds"].values() for v in rows.values()} == {11}
    assert printed.find("accuracy", "ens5") is None


def test_aims_are_met_missed_open_or_not_measured(tables: dict[str, Table], inputs: ReportInputs) -> None:
    rows = {row["aim"]: row for row in rows_of(tables["aims"])}
    absent = rows["RMSE of q/pT [1/GeV], CSC alone"]
    assert absent["verdict"] == "not measured" and absent["distance"].reason == "hgb-fixed-csc-only was not run"
    rmse = inputs.metrics_of[REFERENCE]["samples"]["test"]["q_over_pt"]["rmse"]
    own = rows["RMSE of q/pT [1/GeV], all planes"]
    assert own["distance"].value == pytest.approx(rmse["value"] - 0.033)
    assert own["verdict"] == "met" and rmse["value"] < 0.033 - 2 * rmse["error"]
    assert rows["at least as good as our trees, RMSE of 1/pT [1/GeV]"]["verdict"] == "met"  # its toy is the best
    cases = ((1.0, 1.0), (1.0, -1.0), (0.1, 1.0), (-1.0, -1.0))
    verdicts = [verdict(Measured(value=value, error=0.1), sign) for value, sign in cases]
    assert verdicts == ["met", "missed", "open", "met"]


def test_line_on_the_front_page_is_the_rate_reduction(inputs: ReportInputs) -> None:
    row = front_row(inputs)
    assert (row.baseline, row.ensemble) == ("emtf-bdt", inputs.reference)
    found = headline_of(inputs, inputs.reference)["rate_reduction"]
    assert row.ensemble_number == found and found.value is not None
    assert row.gain.value == pytest.approx(found.value - 1) and row.gain.error == found.error
    assert row.published.startswith("2 (") and " and 3 (" in row.published
