"""From simulated ROOT to tables, figures and text of the chapter, all stages in one process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

from hitforge.provenance import read_json, write_json
from hitforge.reporting.catalogue import make
from hitforge.reporting.chapter import Measured, ReportInputs, Table
from hitforge.reporting.chapter_parts import write_chapter
from hitforge.reporting.figure_files import write_figure
from hitforge.reporting.numbers import measured
from hitforge.reporting.plotting import draw_points
from hitforge.reporting.style import hep_style, new_figure
from hitforge.reporting.tables import write_table
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.features import CELLS, FEATURE_NAMES
from hitforge.studies.scouting_egamma.report.chapter import CHAPTER
from hitforge.studies.scouting_egamma.report.meanings import meaning_of
from hitforge.studies.scouting_egamma.report.plotting import end_before_outliers
from hitforge.studies.scouting_egamma.report.text import order_of_models
from tests.unit.scouting_egamma.production import produce


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> ReportInputs:
    return produce(tmp_path_factory.mktemp("production"))


@pytest.fixture(scope="module")
def tables(inputs: ReportInputs) -> dict[str, Table]:
    return {view.name: make(view, inputs) for view in CHAPTER.views("table")}


def test_all_tables_are_filled_and_written(tables: dict[str, Table], tmp_path: Path) -> None:
    assert tuple(tables) == CHAPTER.tables
    for name, table in tables.items():
        assert (table.rows and not table.empty) or name == "bad_parts"
        write_table(table, tmp_path)
        assert all(len(row) == len(table.columns) for row in table.rows), name


def test_every_missing_number_says_why(tables: dict[str, Table]) -> None:
    for table in tables.values():
        for row in table.rows:
            for cell in row:
                if isinstance(cell, Measured) and cell.value is None:
                    assert cell.reason, table.name


def test_trees_narrow_the_response_of_electrons(inputs: ReportInputs, tables: dict[str, Table]) -> None:
    width = {row[0]: row[1].value for row in tables["headline"].rows}
    assert set(width) == {"raw", "seed-bdt", "hgb", "ens5"}
    assert width["hgb"] < 0.85 * width["raw"]
    # the aims table reads the same differences
    aim = next(row for row in tables["aims"].rows if "seed-bdt at most that of raw" in str(row[0]))
    assert aim[2].value == pytest.approx(width["seed-bdt"] - width["raw"], abs=1e-9)


def test_shuffling_costs_where_a_feature_matters(inputs: ReportInputs) -> None:
    assert "permutation" not in inputs.explain_of["raw"] and "tuning" not in inputs.explain_of["ens5"]
    found = inputs.explain_of["hgb"]["permutation"]
    assert found["sample"] == "test" and set(found["growth"]) == set(CATEGORIES)
    photons = dict(zip(found["features"], found["growth"]["EB photon"], strict=True))
    # a photon has no track, so what is shuffled there is nothing
    assert photons["fbrem"] == 0 < 0.05 < max(photons.values())


def test_renamed_models_keep_their_rows(inputs: ReportInputs, tmp_path: Path) -> None:
    names = {"raw": "plain", "seed-bdt": "bdt", "hgb": "trees", "ens5": "five"}

    def renamed(by_model: Mapping[str, Any]) -> dict[str, Any]:
        return {names[model]: about for model, about in by_model.items() if model in names}

    samples = read_json(inputs.comparison)["samples"]
    for row in (row for rows in samples.values() for row in rows):
        row |= {"first": names[row["first"]], "second": names[row["second"]]}
    write_json(tmp_path / "comparison.json", {"samples": samples})
    settings = {
        **inputs.settings,
        "models": renamed(inputs.settings["models"]),
        "run_models": list(names.values()),
        "reference_model": "trees",
        "baseline_model": "bdt",
        "report": {"uncorrected_model": "plain", "ensemble_model": "five"},
    }
    by_model = {key: renamed(getattr(inputs, key)) for key in ("metrics", "manifests", "calibrations", "explain")}
    other = replace(inputs, settings=settings, comparison=tmp_path / "comparison.json", **by_model)
    words = write_chapter(CHAPTER, other).model_dump_json()
    for view in CHAPTER.views("table"):
        made, before = make(view, other), make(view, inputs)
        assert len(made.rows) == len(before.rows), view.name
        words += made.model_dump_json()
    assert "five against trees" in words and "not run" not in words
    assert not [name for name in ("seed-bdt", "hgb", "ens5") if name in words]


def test_nothing_is_cut_before_evaluation(inputs: ReportInputs) -> None:
    for metrics in inputs.metrics_of.values():
        for sample in ("test", "test_other_map"):
            found = metrics["samples"][sample]
            assert found["n_candidates"] == inputs.inventory_of[sample].n_events == sum(found["n"][0])


def test_order_of_models_is_said_in_words(inputs: ReportInputs, tables: dict[str, Table]) -> None:
    words = {"met": "smaller for", "missed": "larger for", "open": "the same within two errors for"}
    (words_of_pair,) = [text for text in order_of_models(inputs) if text.startswith("hgb against seed-bdt ")]
    assert words_of_pair in write_chapter(CHAPTER, inputs).summary[-1]
    for row in tables["aims"].rows:
        if row[0] == "σ_eff of hgb at most that of seed-bdt":
            before = words_of_pair.partition(f"{row[1]} (")[0]
            assert max(words.values(), key=before.rfind) == words[str(row[3])]


def test_chapter_names_every_table_and_figure_once(inputs: ReportInputs) -> None:
    chapter = write_chapter(CHAPTER, inputs)
    items = [(item.kind, item.name) for section in chapter.sections for item in section.items]
    assert sorted(items) == sorted(
        [("table", name) for name in CHAPTER.tables] + [("figure", name) for name in CHAPTER.figures]
    )
    assert chapter.headline and chapter.parts["test"]


def test_all_figures_are_drawn(inputs: ReportInputs, tmp_path: Path) -> None:
    with hep_style():
        for view in CHAPTER.views("figure"):
            figure = make(view, inputs)
            assert not figure.empty, figure.name
            axes = [panel for panel in figure.figure.findobj(Axes) if panel.get_visible() and panel.axison]
            assert axes and all(panel.has_data() for panel in axes), figure.name
            # writing all of them would take longer than everything else here
            if figure.name in ("resolution_pt", "response_gaps"):
                write_figure(figure, tmp_path)
                assert (tmp_path / f"{figure.name}.png").stat().st_size > 5000


def test_an_outlier_does_not_set_the_axis_and_is_named_at_its_end() -> None:
    with hep_style():
        axes, inside = new_figure().subplots(1, 2)
        for panel, last in ((axes, 55.0), (inside, 5.0)):
            draw_points(panel, np.arange(4.0), np.array([2.0, 2.5, 3.0, last]), np.ones(4), 0, "#bd1f01", "model")
            end_before_outliers(panel)
    assert 3.0 < axes.get_ylim()[1] < 6.0 and [text.get_text() for text in axes.texts] == ["55 %"]
    assert inside.get_ylim()[1] > 5.0 and not inside.texts


def test_curves_of_a_panel_can_be_told_apart_and_densities_have_a_scale(inputs: ReportInputs) -> None:
    views = {view.name: view for view in CHAPTER.views("figure")}
    with hep_style():
        cuts, kept, plane = (
            make(views[name], inputs).figure for name in ("cut_response", "cut_efficiency", "energies")
        )
    assert {len(axes.get_legend_handles_labels()[1]) for axes in cuts.axes} == {3, 4}
    assert all(2 <= len(axes.containers) <= 3 for axes in kept.axes)
    assert len({image.norm.vmax for axes in plane.axes for image in axes.images}) == 1
    assert "Candidates per bin" in {axes.get_ylabel() for axes in plane.axes}


def test_legends_say_the_widths_of_the_table(inputs: ReportInputs, tables: dict[str, Table]) -> None:
    widths = {row[0]: measured(row[1]) for row in tables["headline"].rows}
    (view,) = (view for view in CHAPTER.views("figure") if view.name == "response")
    with hep_style():
        texts = make(view, inputs).figure.axes[0].get_legend_handles_labels()[1]
    assert sorted(texts) == [f"hgb: {widths['hgb']} %", f"uncorrected: {widths['raw']} %"]


def test_features_are_called_by_their_meaning() -> None:
    silent = {name for name in FEATURE_NAMES if meaning_of(name) == name}
    assert silent == set(CELLS) and len({meaning_of(name) for name in FEATURE_NAMES}) == len(FEATURE_NAMES)


def test_published_positions_stand_beside_positions(tables: dict[str, Table]) -> None:
    (row,) = (row for row in tables["published"].rows if "second peak" in str(row[0]))
    assert (row[1], row[2]) == ("−1.0", Measured(value=-1.0, decimals=1))
