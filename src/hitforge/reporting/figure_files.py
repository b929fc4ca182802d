"""Writing figures: pictures, values and words, so that the bytes repeat."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from hitforge.provenance import atomic_path, write_json, write_text
from hitforge.report_settings import LabelSettings
from hitforge.reporting.chapter import Figure, FigureText
from hitforge.reporting.figure_values import figure_values, to_csv
from hitforge.reporting.style import HOUSE, hep_style

PNG_DPI = 160
RASTER_DPI = 220
"""Of what is rasterised inside an SVG or a PDF."""
_COORDINATES = re.compile(r' (?:d|x|y|points)="[^"]*"')
_DECIMALS = re.compile(r"(\.\d\d)\d+")

# it tells of every glyph of a PDF
logging.getLogger("fontTools").setLevel(logging.WARNING)


def write_figure(figure: Figure, folder: Path, label: LabelSettings | None = None) -> None:
    """Write a figure as ``<name>.{svg,pdf,png}``, its values as ``csv`` and its words as ``json``, each atomically."""
    drawn = figure.figure
    write_text(folder / f"{figure.name}.csv", to_csv(figure_values(drawn)))
    with hep_style():
        engine = drawn.get_layout_engine()
        left, right = label_texts(label) if label and drawn.axes else ("", "")
        # a figure that placed its words itself is laid out
        if not isinstance(engine, ConstrainedLayoutEngine) and (left or right):
            _exchange_label(drawn, left, right)
        if isinstance(engine, ConstrainedLayoutEngine) and drawn.axes:
            head = _put_label(drawn, left, right) if left or right else ()
            # settle the layout once, so that all formats agree; it is the slowest step. Words are wider at other
            # resolutions, where a long name at the rim would be cut
            drawn.set_dpi(PNG_DPI)
            engine.execute(drawn)
            drawn.set_layout_engine("none")
            _align(drawn, head)
        # the canvases' own writers: savefig would draw everything once more for nothing
        drawn.set_dpi(RASTER_DPI)
        vectors: Any = FigureCanvasSVG(drawn)
        with atomic_path(folder / f"{figure.name}.svg") as temporary:
            vectors.print_svg(temporary, metadata={"Date": None, "Creator": None})
            temporary.write_text(short_coordinates(temporary.read_text(encoding="utf-8")), encoding="utf-8")
        sheet: Any = FigureCanvasPdf(drawn)
        with atomic_path(folder / f"{figure.name}.pdf") as temporary:
            sheet.print_pdf(temporary, metadata={"CreationDate": None, "Creator": None, "Producer": None})
        drawn.set_dpi(PNG_DPI)
        pixels: Any = FigureCanvasAgg(drawn)
        with atomic_path(folder / f"{figure.name}.png") as temporary:
            pixels.print_png(temporary, metadata={"Software": None})
    text = FigureText(
        name=figure.name,
        title=figure.title,
        caption=figure.caption,
        empty=figure.empty,
        width_in=round(float(drawn.get_size_inches()[0]), 3),
    )
    write_json(folder / f"{figure.name}.json", text.model_dump(mode="json"))


def short_coordinates(svg: str) -> str:
    """Return a drawing with two decimals: a hundredth of a point is beyond any eye, and a page has many drawings."""
    return _COORDINATES.sub(lambda found: _DECIMALS.sub(r"\1", found[0]), svg)


def label_texts(label: LabelSettings) -> tuple[str, str]:
    """Return what stands above a figure on the left, in matplotlib's markup, and on the right."""
    first, *rest = label.label.split() or [""]
    words = r"\ ".join([*rest, *label.status.split()])
    left = (rf"$\bf{{{first}}}$" if first else "") + (rf" $\it{{{words}}}$" if words else "")
    energy = "" if label.sqrt_s_tev is None else f"({label.sqrt_s_tev:g} TeV)"
    luminosity = "" if label.luminosity_per_fb is None else f"{label.luminosity_per_fb:g} $fb^{{-1}}$"
    return left.strip(), f"{luminosity} {energy}".strip()


def _put_label(figure: MatplotlibFigure, left: str, right: str) -> tuple[Text, Text]:
    """Write the label above all panels in place of the house's; return its two texts."""
    _exchange_label(figure, "", "")
    # the layout makes room for a title of the figure, and moves it: an empty one would get none
    size = min(13.0, 2.0 * figure.get_size_inches()[0])
    title = figure.suptitle(left or " ", ha="left", fontsize=size)
    return title, figure.text(1.0, 1.0, right, ha="right", va="top", fontsize=0.92 * size)


def _exchange_label(figure: MatplotlibFigure, left: str, right: str) -> None:
    """Write the label where the house's stands, and before what stands on the right: there is a place for it."""
    for axes in figure.axes:
        if axes.get_title(loc="left").startswith(HOUSE):
            remark = ", ".join(filter(None, (axes.get_title(loc="right"), right)))
            axes.set_title(left, loc="left")
            axes.set_title(remark, loc="right", fontsize=float(axes.title.get_fontsize()) - 1.0)


def _align(figure: MatplotlibFigure, head: tuple[Text, ...]) -> None:
    """Set the two texts of a label flush with the panels."""
    if head:
        boxes = [axes.get_position() for axes in figure.axes]
        head[0].set_x(min(box.x0 for box in boxes))
        head[1].set_position((max(box.x1 for box in boxes), head[0].get_position()[1]))
