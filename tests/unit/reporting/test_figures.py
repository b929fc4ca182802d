from __future__ import annotations

import dataclasses
import re
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from PIL import Image

from hitforge.provenance import read_json
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.style import hep_style, new_figure, write_figure
from hitforge.reporting.training_figures import importances, learning_rate, tuning_history
from hitforge.studies.calo_muon.report.data_figures import spectra
from hitforge.studies.calo_muon.report.event_display import event_displays
from hitforge.studies.calo_muon.report.names import FIGURES
from hitforge.studies.calo_muon.report.resolution_figures import bias, mean_improvement
from hitforge.studies.calo_muon.report.response_figures import linearity


def test_all_figures_are_written_in_all_formats(report: Any) -> None:
    for name in FIGURES:
        assert (report.figures / f"{name}.svg").read_text(encoding="utf-8").lstrip().startswith("<?xml")
        with Image.open(report.figures / f"{name}.png") as picture:
            assert picture.width >= 1000
        text = read_json(report.figures / f"{name}.json")
        assert text["title"] and (text["caption"] or text["empty"])


def test_only_what_was_not_run_is_empty(report: Any) -> None:
    empty = {name for name in FIGURES if read_json(report.figures / f"{name}.json")["empty"]}
    assert empty == {"tuning_history"}


def test_drawings_have_no_dates_and_load_nothing(report: Any) -> None:
    for name in FIGURES:
        text = (report.figures / f"{name}.svg").read_text(encoding="utf-8")
        assert "<dc:date>" not in text
        assert not re.search(r'(?:href|src)="https?:', text) and "@import" not in text
        assert "<text" not in text  # glyphs are paths: no font is needed


@pytest.mark.parametrize("make", [mean_improvement, linearity])
def test_figures_repeat_byte_for_byte(report: Any, make: Any, tmp_path: Path) -> None:
    with hep_style():
        figure = make(report.inputs)
        write_figure(figure, tmp_path)
    for suffix in ("svg", "png", "json"):
        name = f"{figure.name}.{suffix}"
        assert (tmp_path / name).read_bytes() == (report.figures / name).read_bytes()


def test_the_users_matplotlib_settings_do_not_reach_a_figure(tmp_path: Path) -> None:
    def draw(folder: Path) -> bytes:
        with hep_style():
            drawn = new_figure(3.0, 2.0)
            drawn.subplots().plot([1, 2, 4])
            write_figure(Figure("line", "A line", "", drawn), folder)
        return (folder / "line.svg").read_bytes()

    first = draw(tmp_path / "a")
    with plt.rc_context({"font.size": 30, "axes.grid": True, "svg.hashsalt": "other"}):
        assert draw(tmp_path / "b") == first


def test_figures_without_content_say_why(report: Any) -> None:
    bare = dataclasses.replace(report.inputs, outputs={}, shards={})
    with hep_style():
        for make in (linearity, spectra, event_displays, partial(tuning_history, loss="Loss")):
            figure = make(bare)
            assert figure.empty
        one = {"hl_only": report.inputs.manifests["hl_only"]}
        assert importances(dataclasses.replace(report.inputs, manifests=one)).empty
        trees = {"bdt": report.inputs.manifests["bdt"]}
        assert learning_rate(dataclasses.replace(report.inputs, manifests=trees)).empty


def test_points_off_the_scale_are_marked(report: Any) -> None:
    with hep_style():
        figure = bias(report.inputs)
    limits = figure.figure.axes[0].get_ylim()
    rows = report.inputs.metrics_of["cnn"]["samples"]["test"]["bins"]
    beyond = [row for row in rows if not limits[0] <= 100 * row["bias_uncorrected"]["value"] <= limits[1]]
    written = [text.get_text() for text in figure.figure.axes[1].texts]
    assert beyond and written == [f"{100 * row['bias_uncorrected']['value']:.0f} %" for row in beyond]


def test_many_models_still_draw(report: Any, tmp_path: Path) -> None:
    metrics = {f"model_{k}": report.inputs.metrics["hl_only"] for k in range(11)}
    many = dataclasses.replace(report.inputs, metrics={**metrics, "cnn": report.inputs.metrics["cnn"]})
    from hitforge.studies.calo_muon.report.resolution_figures import combined_resolution

    with hep_style():
        figure = combined_resolution(many)
    labels = figure.figure.axes[0].get_legend_handles_labels()[1]
    assert len(labels) == 9 and "cnn" in labels and "4 more models" in figure.caption


def test_inputs_fall_back_to_a_reported_reference(report: Any) -> None:
    inputs: ReportInputs = dataclasses.replace(
        report.inputs, metrics={m: report.inputs.metrics[m] for m in ("bdt", "hl_only")}
    )
    assert inputs.reference == "hl_only"
