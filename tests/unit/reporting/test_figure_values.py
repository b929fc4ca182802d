"""The values of a figure are what was drawn, whoever drew it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

from hitforge.provenance import read_json
from hitforge.report_settings import LabelSettings
from hitforge.reporting.chapter import Figure
from hitforge.reporting.figure_files import short_coordinates, write_figure
from hitforge.reporting.figure_values import figure_values, to_csv
from hitforge.reporting.style import hep_style, label, new_figure


def drawn(draw: Any) -> list[dict[str, Any]]:
    """Return the rows of one panel."""
    with hep_style():
        figure = new_figure(4.0, 3.0)
        draw(figure.subplots())
        return figure_values(figure)


def columns(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row.get(name) for name in names) for row in rows]


def test_points_keep_their_errors() -> None:
    rows = drawn(lambda axes: axes.errorbar([1, 2], [5, 7], xerr=[[0.5, 0.5], [0.25, 0.25]], yerr=[1, 2], label="m"))
    assert columns(rows, "series", "x", "x_low", "x_high", "y", "y_low", "y_high") == [
        ("m", 1, 0.5, 1.25, 5, 4, 6),
        ("m", 2, 1.5, 2.25, 7, 5, 9),
    ]


@pytest.mark.parametrize(
    "draw",
    [
        lambda axes: axes.stairs([3, 0, 4], [0, 1, 2, 4]),
        lambda axes: axes.hist([0.5] * 3 + [3.0] * 4, [0, 1, 2, 4], histtype="step"),
        lambda axes: axes.hist([0.5] * 3 + [3.0] * 4, [0, 1, 2, 4], histtype="stepfilled"),
        lambda axes: axes.bar([0.5, 1.5, 3], [3, 0, 4], width=[1, 1, 2]),
    ],
)
def test_a_histogram_is_its_bins_however_it_is_drawn(draw: Any) -> None:
    assert columns(drawn(draw), "x_low", "x_high", "y") == [(0, 1, 3), (1, 2, 0), (2, 4, 4)]


def test_bands_have_two_edges_and_lines_have_gaps() -> None:
    def draw(axes: Axes) -> None:
        axes.plot([0, 1, 2], [1, np.nan, 3], color="red", label="curve")
        axes.fill_between([0, 1, 2], [0, 1, 2], [2, 3, 4], color="red", alpha=0.2)
        axes.axvline(1.0)
        axes.axhspan(0.0, 1.0)

    rows = drawn(draw)
    assert {row["series"] for row in rows} == {"curve"}  # the band has the name of its colour; the marks are no data
    band = [row for row in rows if "y_low" in row]
    assert columns(band, "x", "y_low", "y_high") == [(0, 0, 2), (1, 1, 3), (2, 2, 4)]
    assert columns([row for row in rows if "y_low" not in row], "x", "y") == [(0, 1), (2, 3)]


@pytest.mark.parametrize(
    "draw",
    [
        lambda axes: axes.imshow([[1, 2], [3, 4]], origin="lower", extent=(0, 2, 10, 30)),
        lambda axes: axes.imshow([[3, 4], [1, 2]], extent=(0, 2, 10, 30)),
        lambda axes: axes.pcolormesh([0, 1, 2], [10, 20, 30], [[1, 2], [3, 4]]),
    ],
)
def test_a_map_is_its_cells_however_it_is_drawn(draw: Any) -> None:
    cells = {(row["x_low"], row["y_low"]): row["z"] for row in drawn(draw)}
    assert cells == {(0, 10): 1, (1, 10): 2, (0, 20): 3, (1, 20): 4}


def test_masked_cells_are_left_out() -> None:
    assert len(drawn(lambda axes: axes.imshow(np.ma.masked_equal([[0, 2], [3, 0]], 0)))) == 2


def test_categories_keep_their_names() -> None:
    def draw(axes: Axes) -> None:
        axes.barh([0.8, 1.8], [5, 6], height=0.4)
        axes.set_yticks([1, 2], ["first", "second"])

    assert columns(drawn(draw), "y_name", "x") == [("first", 5), ("second", 6)]


def test_table_holds_the_columns_that_are_used() -> None:
    text = to_csv(drawn(lambda axes: axes.scatter([1, 2], [3, 1 / 3], c=[0.5, 0.25])))
    assert list(csv.reader(io.StringIO(text)))[1:] == [["1:", "series 1", x, y, z] for x, y, z in (
        ("1", "3", "0.5"), ("2", "0.333333", "0.25"))]  # fmt: skip


def test_every_figure_of_a_chapter_has_its_values(report: Any) -> None:
    for name in report.catalogue.figures:
        n_rows = (report.figures / f"{name}.csv").read_text(encoding="utf-8").count("\n")
        assert (n_rows > 1) != bool(read_json(report.figures / f"{name}.json")["empty"]), name


def test_all_formats_repeat_byte_for_byte(tmp_path: Path) -> None:
    def files(folder: Path) -> dict[str, bytes]:
        with hep_style():
            figure = new_figure(3.0, 2.0)
            axes = figure.subplots()
            axes.imshow(np.arange(6).reshape(2, 3))
            label(axes, "simulation")
        write_figure(Figure("map", "A map", "", figure), folder, LabelSettings(label="CMS"))
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    first, second = files(tmp_path / "a"), files(tmp_path / "b")
    assert first == second and set(first) == {f"map.{kind}" for kind in ("svg", "pdf", "png", "csv", "json")}


def test_a_label_replaces_that_of_the_house(tmp_path: Path) -> None:
    wanted = LabelSettings(label="CMS Simulation", status="Preliminary", sqrt_s_tev=13.6, luminosity_per_fb=138)
    for label_settings, expected in ((None, 1), (LabelSettings(author="A"), 1), (wanted, 0)):
        with hep_style():
            figure = new_figure(4.0, 3.0)
            axes = figure.subplots()
            axes.plot([1, 2])
            label(axes, "simulation")
        write_figure(Figure("line", "A line", "", figure), tmp_path, label_settings)
        assert ("hitforge" in axes.get_title(loc="left")) == expected
    title, right = sorted(figure.texts, key=lambda text: text.get_position()[0])
    assert title.get_text() == r"$\bf{CMS}$ $\it{Simulation\ Preliminary}$"
    assert right.get_text() == "138 $fb^{-1}$ (13.6 TeV)"
    frame = axes.get_window_extent()
    boxes = [text.get_window_extent() for text in (title, right)]
    assert all(frame.y1 < box.y0 and frame.x0 - 1 <= box.x0 and box.x1 <= frame.x1 + 1 for box in boxes)
    assert not boxes[0].overlaps(boxes[1])


def test_a_figure_that_is_laid_out_already_has_the_label_in_place_of_the_house(tmp_path: Path) -> None:
    with hep_style():
        figure = new_figure(6.0, 3.0, layout="none")
        axes = figure.subplots()
        axes.plot([1, 2])
        label(axes, "simulation", "test")
    write_figure(Figure("line", "A line", "", figure), tmp_path, LabelSettings(label="CMS", sqrt_s_tev=13))
    assert [axes.get_title(loc=place) for place in ("left", "right")] == [r"$\bf{CMS}$", "test, (13 TeV)"]


def test_only_coordinates_lose_decimals() -> None:
    text = '<path d="M 1.23456 -0.5" transform="scale(0.015625)" x="7.98765"/>'
    assert short_coordinates(text) == '<path d="M 1.23 -0.5" transform="scale(0.015625)" x="7.98"/>'
