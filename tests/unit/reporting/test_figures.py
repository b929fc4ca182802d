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
from hitforge.reporting.catalogue import load_catalogue
from hitforge.reporting.chapter import Figure, Measured, ReportInputs
from hitforge.reporting.figure_files import write_figure
from hitforge.reporting.model_looks import look_of
from hitforge.reporting.style import hep_style, new_figure
from hitforge.reporting.training_figures import importances, learning_rate, tuning_history
from hitforge.stages.report_figures import make_figures
from hitforge.studies.calo_muon.features import FEATURE_NAMES, summary_units
from hitforge.studies.calo_muon.report import view
from hitforge.studies.calo_muon.report.data_figures import event_displays, spectra
from hitforge.studies.calo_muon.report.information_figures import information
from hitforge.studies.calo_muon.report.labels import Named, around, overlap, place_names
from hitforge.studies.calo_muon.report.meanings import meaning_of
from hitforge.studies.calo_muon.report.plotting import draw_limits
from hitforge.studies.calo_muon.report.resolution_figures import measured_resolution, resolution
from hitforge.studies.calo_muon.report.response_figures import linearity, responses
from hitforge.studies.calo_muon.report.transfer_figures import learning_curve, objectives, transfer
from hitforge.studies.calo_muon.settings import LayerSettings
from tests.unit.reporting.fabricate import fabricate
from tests.unit.reporting.invent import LIMIT, LIMIT_TRACK, MODELS, invent


def test_all_figures_are_written_in_all_formats(report: Any) -> None:
    for name in report.catalogue.figures:
        assert (report.figures / f"{name}.svg").read_text(encoding="utf-8").lstrip().startswith("<?xml")
        with Image.open(report.figures / f"{name}.png") as picture:
            assert picture.width >= 1000
        text = read_json(report.figures / f"{name}.json")
        assert text["title"] and (text["caption"] or text["empty"])


def test_only_what_was_not_run_is_empty(report: Any) -> None:
    empty = {name for name in report.catalogue.figures if read_json(report.figures / f"{name}.json")["empty"]}
    assert empty == {"tuning_history", "objectives", "learning_curve"}


def test_drawings_have_no_dates_and_load_nothing(report: Any) -> None:
    for name in report.catalogue.figures:
        text = (report.figures / f"{name}.svg").read_text(encoding="utf-8")
        assert "<dc:date>" not in text
        assert not re.search(r'(?:href|src)="https?:', text) and "@import" not in text
        assert "<text" not in text  # glyphs are paths: no font is needed


@pytest.mark.parametrize("make", [information, linearity])
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


def _drawn_heights(axes: Any) -> list[float]:
    """Heights of all points with error bars, in the order of drawing."""
    return [float(y) for container in axes.containers for y in container.lines[0].get_ydata()]


def test_every_model_stands_at_its_information_and_cost_under_the_limit(many: ReportInputs) -> None:
    with hep_style():
        figure = information(many)
    axes = figure.figure.axes[0]
    shown = {name: model for name, model in MODELS.items() if name != "layers_density_24k"}
    heights = _drawn_heights(axes)
    assert sorted(heights) == pytest.approx(
        sorted([m.information for m in shown.values()] + [m.geant4 for m in shown.values()])
    )
    words = {text.get_text() for text in axes.texts}
    # the paper's network has a partner of equal data, and both names say on how little
    fewer = {"cnn (12k muons)", "layers_density_12k (12k muons)"}
    assert set(shown) - {"cnn", "layers_density_12k"} | fewer <= words and "layers_density_24k" not in str(words)
    assert f"true losses alone known: {LIMIT:.3f} ± 0.012 bit" in words
    assert f"limit, true losses and track known: {LIMIT_TRACK:.3f} ± 0.012 bit" in words
    assert axes.get_xscale() == "log" and "fewer muons stand in the learning curve" in figure.caption
    places = sorted(float(x) for container in axes.containers for x in container.lines[0].get_xdata())
    assert places[0] < MODELS["bdt"].operations < places[-1] == pytest.approx(MODELS["cnn"].operations)


def test_no_name_covers_another_or_leaves_the_figure(many: ReportInputs) -> None:
    with hep_style():
        for make in (information, learning_curve):
            figure = make(many).figure
            axes = figure.axes[0]
            frame = axes.get_window_extent()
            boxes = [text.get_window_extent() for text in axes.texts]
            assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1 for box in boxes)
            assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


def test_the_name_of_a_limit_covers_no_point() -> None:
    with hep_style():
        figure = new_figure(8.0, 5.0, layout="none")
        axes = figure.add_axes((0.1, 0.1, 0.85, 0.85))
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(0.0, 1.0)
        points = [around(axes, x, 0.45, 0.55) for x in (0.05, 0.75)]
        draw_limits(axes, {"losses": Measured(value=0.5, error=0.02)}, points)
    (name,) = axes.texts
    box = name.get_window_extent()
    assert not any(overlap(tuple(box.extents), point) for point in points)
    assert axes.get_window_extent().x0 < box.x0 < box.x1 < axes.get_window_extent().x1


def test_a_model_keeps_its_colour_and_its_kind_of_inputs_a_marker(many: ReportInputs) -> None:
    with hep_style():
        points = information(many).figure.axes[0].containers
        rows = transfer(many).figure.axes[0]
    shown = {name: model for name, model in MODELS.items() if name != "layers_density_24k"}
    drawn = {(c.lines[0].get_color(), c.lines[0].get_marker(), float(c.lines[0].get_ydata()[0])) for c in points}
    marker = dict(zip(("bdt", "bdt_w", "layers", "layers_w"), ("s", "s", "v", "v"), strict=True))
    assert {(look_of(many, name).colour, mark, shown[name].information) for name, mark in marker.items()} <= drawn
    ticks = [tick.get_text() for tick in rows.get_yticklabels()]
    lines = [container.lines[0] for container in rows.containers]
    assert all(line.get_color() == look_of(many, ticks[round(line.get_ydata()[0])]).colour for line in lines)


def test_figures_call_every_column_by_its_meaning() -> None:
    layers = LayerSettings()
    words = {name: meaning_of(name, layers.model_dump()) for name in (*FEATURE_NAMES, *summary_units(layers))}
    assert all(text != name and "_" not in text for name, text in words.items())
    assert len(set(words.values())) == len(words)
    assert words["ring_log_1"] == "mean ln E at 2.5–5 mm from the track"
    assert meaning_of("of_tomorrow", layers.model_dump()) == "of_tomorrow"


def test_crowded_names_find_free_places() -> None:
    with hep_style():
        figure = new_figure(6.0, 4.0, layout="none")
        axes = figure.add_axes((0.1, 0.1, 0.85, 0.85))
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(0.0, 1.0)
        points = [Named(0.5 + 0.02 * (k % 4), 0.5 + 0.02 * (k // 4), f"model_{k}") for k in range(12)]
        markers = [around(axes, point.x, point.y, point.y) for point in points]
        boxes = place_names(axes, points, markers)
    for k, (x0, y0, x1, y1) in enumerate(boxes):
        for a0, b0, a1, b1 in [*markers, *boxes[:k]]:
            assert min(x1, a1) <= max(x0, a0) + 0.01 or min(y1, b1) <= max(y0, b0) + 0.01


def test_objectives_share_a_line_and_a_length_of_percentage_points(many: ReportInputs) -> None:
    with hep_style():
        figure = objectives(many).figure
    mi, bits, gain = figure.axes
    assert [tick.get_text() for tick in mi.get_xticklabels()] == ["W/E", "W", "W·E"]
    assert mi.get_legend_handles_labels()[1] == ["bdt", "layers"]
    lines = {
        line.get_label(): list(line.get_ydata()) for line in bits.lines if not str(line.get_label()).startswith("_")
    }
    assert lines == {
        "bdt": [MODELS[name].information for name in ("bdt", "bdt_w", "bdt_we")],
        "layers": [MODELS[name].information for name in ("layers", "layers_w", "layers_we")],
    }
    spans = [axes.get_ylim()[1] - axes.get_ylim()[0] for axes in (mi, gain)]
    assert spans[0] == pytest.approx(spans[1])


def test_transfer_shows_the_recorded_difference(many: ReportInputs) -> None:
    with hep_style():
        figure = transfer(many).figure
    left, right = figure.axes
    assert [tick.get_text() for tick in left.get_yticklabels()] == view.ranked(many)
    found = [float(x) for container in right.containers for x in container.lines[0].get_xdata()]
    assert found == pytest.approx([MODELS[m].geant4 - MODELS[m].information for m in view.ranked(many)])


def test_learning_curve_takes_models_that_differ_in_size_alone(many: ReportInputs) -> None:
    with hep_style():
        figure = learning_curve(many)
    (axes,) = figure.figure.axes
    simulated = next(line for line in axes.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 3)
    assert list(simulated.get_xdata()) == [12_000, 24_000, 48_000]
    assert list(simulated.get_ydata()) == [0.77, 0.79, 0.83]


def test_no_point_of_the_resolution_leaves_its_panel(many: ReportInputs) -> None:
    with hep_style():
        figure = resolution(many).figure
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert [text.split(" (")[0] for text in labels] == ["tracker", "esum_only", "hl_only", "cnn", "layers"]
    assert labels[-1] == "layers (features + layers), MI 18.50 ± 0.30 pp"
    for axes in figure.axes:
        low, high = axes.get_ylim()
        heights = [y for y in _drawn_heights(axes) if y == y]
        assert heights and all(low < y < high for y in heights)


def test_responses_set_the_models_with_predictions_side_by_side(report: Any) -> None:
    with hep_style():
        figure = responses(report.inputs)
    texts = figure.figure.axes[-1].texts
    assert figure.figure.axes[0].get_legend_handles_labels()[1] == ["cnn", "bdt", "hl_only"]
    # the numbers of each model in its colour, and their heading
    shown = [look_of(report.inputs, model).colour for model in ("cnn", "bdt", "hl_only")]
    assert [text.get_color() for text in texts[:-1]] == shown
    assert texts[-1].get_text().startswith("median")


def test_a_production_without_information_still_draws(tmp_path: Path) -> None:
    _, inputs = fabricate(tmp_path, n_heldout=40, n_points=2, bootstraps=5, bad_part=False)
    make_figures(load_catalogue("calo_muon"), inputs, tmp_path / "figures")
    with hep_style():
        made = [make(inputs) for make in (information, transfer, learning_curve, objectives, measured_resolution)]
    assert all(figure.empty for figure in made)


def test_models_without_a_cost_are_named(production: Any, tmp_path: Path) -> None:
    models = {name: dataclasses.replace(MODELS[name], operations=None) for name in ("bdt", "cnn")}
    with hep_style():
        some = information(invent(production[1], tmp_path / "some", {**models, "hl_only": MODELS["hl_only"]}))
        none = information(invent(production[1], tmp_path / "none", models))
    assert "not drawn: bdt, cnn." in some.caption
    assert none.empty == "the models' manifests hold no number of operations"


def test_inputs_fall_back_to_a_reported_reference(report: Any) -> None:
    inputs: ReportInputs = dataclasses.replace(
        report.inputs, metrics={m: report.inputs.metrics[m] for m in ("bdt", "hl_only")}
    )
    assert inputs.reference == "hl_only"
