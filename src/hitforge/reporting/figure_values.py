"""The values of a figure as a table, taken from what was drawn: whatever a figure shows can be plotted again."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import Collection, LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.colors import to_rgba_array
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon, Rectangle, StepPatch
from matplotlib.ticker import FixedFormatter, FuncFormatter
from numpy.typing import NDArray

from hitforge.reporting.style import HOUSE

DIGITS = 6
"""Significant digits: more than any drawing shows."""
_MARKUP = re.compile(r"\\(?:bf|it|mathrm|rm)\b|[${}\\]")


Point = dict[str, Any]
"""Coordinates of a point, by the names of the columns."""
COLUMNS = ("panel", "series", "x_name", "y_name", "x", "x_low", "x_high", "y", "y_low", "y_high", "z")
"""Of the table; ``z`` is the value of a cell of a map, names are those of categories on an axis."""


def figure_values(figure: MatplotlibFigure) -> list[Point]:
    """Return the points of all panels: lines, error bars, histograms, bars, bands, points and maps, in ``COLUMNS``.

    Lines and areas across a whole panel, and words, are no data. A series without a label of its own has that of an
    artist of its colour in the same panel, or in another, as in a legend that panels share, otherwise a number.
    """
    shared = _labels_by_colour(figure.axes, figure.legends)
    rows = []
    for number, axes in enumerate((a for a in figure.axes if a.get_label() != "<colorbar>"), start=1):
        titles = [title for place in ("left", "center", "right") if HOUSE not in (title := axes.get_title(loc=place))]
        panel = _plain(f"{number}: {', '.join(filter(None, [*titles, axes.get_ylabel(), axes.get_xlabel()]))}")
        names = {"x_name": _categories(axes.xaxis, 0), "y_name": _categories(axes.yaxis, 1)}
        labels = {**shared, **_labels_by_colour([axes])}
        for series, point in _of_panel(axes, labels):
            named = {key: known.get(round(float(point[key[0]])), "") for key, known in names.items() if known}
            rows.append({"panel": panel, "series": series, **named, **point})
    return rows


def to_csv(rows: Sequence[Point]) -> str:
    """Return rows as CSV; columns that no row fills are left out."""
    out = io.StringIO()
    used = [name for name in COLUMNS if any(row.get(name, "") != "" for row in rows)]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(used)
    writer.writerows([_text(row.get(name, "")) for name in used] for row in rows)
    return out.getvalue()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.{DIGITS}g}" if np.isfinite(value) else ""


def _categories(axis: Axis, along: int) -> dict[int, str]:
    """Return the names that stand at whole numbers on an axis; nothing where the ticks are numbers."""
    if not isinstance(axis.get_major_formatter(), FixedFormatter | FuncFormatter):
        return {}
    ticks = [(float(label.get_position()[along]), _plain(label.get_text())) for label in axis.get_ticklabels()]
    return {round(place): text for place, text in ticks if place.is_integer() and text}


def _plain(text: str) -> str:
    """Return words without the signs of mathematical typesetting."""
    return " ".join(_MARKUP.sub("", text).replace("~", " ").split())


def _labels_by_colour(panels: Sequence[Axes], legends: Sequence[Legend] = ()) -> dict[Any, str]:
    """Return the labels of panels by colour."""
    found: dict[Any, str] = {}
    for axes in panels:
        for handle, text in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(_look(handle), _plain(text))
    for legend in legends:
        for sign, words in zip(legend.legend_handles, legend.get_texts(), strict=True):
            found.setdefault(_look(sign), _plain(words.get_text()))
    return found


def _look(artist: Any) -> tuple[float, ...] | None:
    """Return the colour by which a reader knows an artist."""
    if isinstance(artist, ErrorbarContainer | BarContainer):
        return next((_look(member) for member in artist.get_children()), None)
    colour: Any = None
    if isinstance(artist, Line2D):
        colour = artist.get_color()
    elif isinstance(artist, Patch | Collection):
        colour = artist.get_edgecolor() if isinstance(artist, StepPatch) else artist.get_facecolor()
    if colour is None:
        return None
    shades = to_rgba_array(colour)
    return tuple(np.round(shades[0, :3], 3)) if len(shades) else None


def _of_panel(axes: Axes, labels: dict[Any, str]) -> Iterator[tuple[str, Point]]:
    """Yield the name of the series and each point of a panel."""
    members = {id(member) for container in axes.containers for member in container.get_children()}
    artists: list[Any] = [
        artist for artist in axes.get_children() if id(artist) not in members and artist.get_visible()
    ]
    unnamed, drawn = 0, [*axes.containers, *artists]
    for artist in drawn:
        points = [point for point in _points(axes, artist) if np.isfinite(point["z" if "z" in point else "y"])]
        if points:
            own = str(artist.get_label() or "")
            name = labels.get(_look(artist), "") if not own or own.startswith("_") else _plain(own)
            unnamed += not name
            yield from ((name or f"series {unnamed}", point) for point in points)


def _points(axes: Axes, artist: Any) -> Iterator[Point]:
    """Yield the points of an artist in data coordinates; nothing for lines and areas across a whole panel."""
    match artist:
        case ErrorbarContainer():
            yield from _error_bars(artist)
        case BarContainer():
            upright = artist.orientation == "vertical"
            yield from (_box(bar.get_bbox().extents, upright) for bar in artist.patches)
        case Line2D() if artist.get_transform() is axes.transData:
            yield from ({"x": x, "y": y} for x, y in _data(artist))
        case StepPatch():
            values, edges, _ = artist.get_data()
            for low, high, value in zip(edges[:-1], edges[1:], values, strict=True):
                yield {"x": 0.5 * (low + high), "x_low": low, "x_high": high, "y": value}
        case Rectangle() if artist.get_data_transform() is axes.transData:
            yield _box(artist.get_bbox().extents)
        case Polygon() if artist.get_data_transform() is axes.transData:
            yield from _outline(artist.get_xy())
        case AxesImage():
            yield from _image(artist)
        case QuadMesh():
            corners = np.asarray(artist.get_coordinates(), np.float64)
            yield from _cells(artist.get_array(), corners[0, :, 0], corners[:, 0, 1])
        case PolyCollection() if artist.get_array() is None:
            for path in artist.get_paths():
                yield from _band(path.vertices)
        case LineCollection() if artist.get_transform() is axes.transData:
            yield from ({"x": x, "y": y} for segment in artist.get_segments() for x, y in segment)
        case Collection():
            yield from _marks(artist)


def _box(extents: Any, upright: bool = True) -> Point:
    """Return a bar: its middle, and its far end as the value."""
    x0, y0, x1, y1 = (float(edge) for edge in extents)
    x, y = (0.5 * (x0 + x1), y1) if upright else (x1, 0.5 * (y0 + y1))
    return {"x": x, "x_low": x0, "x_high": x1, "y": y, "y_low": y0, "y_high": y1}


def _data(line: Line2D) -> NDArray[np.float64]:
    """Return the points of a line, shape (n, 2)."""
    return np.asarray(line.get_xydata(), np.float64)


def _error_bars(container: ErrorbarContainer) -> Iterator[Point]:
    line, _, bars = container.lines
    ends = [np.array(list(bar.get_segments())) for bar in bars]
    along = ["x"] * bool(container.has_xerr) + ["y"] * bool(container.has_yerr)
    points = _data(line) if line else ends[-1].mean(axis=1)
    for k, (x, y) in enumerate(points):
        point: Point = {"x": x, "y": y}
        for axis, segments in zip(along, ends, strict=False):
            if k < len(segments):
                point[f"{axis}_low"], point[f"{axis}_high"] = segments[k][:, "xy".index(axis)]
        yield point


def _image(image: AxesImage) -> Iterator[Point]:
    """Yield the pixels of an image; a picture in colours has no values."""
    array = image.get_array()
    if array is not None and array.ndim == 2:
        left, right, bottom, top = image.get_extent()
        x = np.linspace(left, right, array.shape[1] + 1)
        y = np.linspace(bottom, top, array.shape[0] + 1)
        yield from _cells(array, x, y if image.origin == "lower" else y[::-1])


def _cells(array: Any, x: NDArray[np.float64], y: NDArray[np.float64]) -> Iterator[Point]:
    """Yield the cells of a map with edges; masked ones are left out."""
    grid = np.ma.filled(np.ma.asarray(array, np.float64), np.nan).reshape(len(y) - 1, len(x) - 1)
    for (row, column), value in np.ndenumerate(grid):
        low, high = sorted((y[row], y[row + 1]))
        yield {
            "x": 0.5 * (x[column] + x[column + 1]), "x_low": x[column], "x_high": x[column + 1],
            "y": 0.5 * (low + high), "y_low": low, "y_high": high, "z": value,
        }  # fmt: skip


def _outline(corners: Any) -> Iterator[Point]:
    """Yield the bins of a histogram that is drawn as a polygon, or the corners of another one."""
    pairs = list(itertools.pairwise((float(x), float(y)) for x, y in corners))
    steps = [(x0, x1, y) for (x0, y), (x1, other) in pairs if y == other and x1 > x0]
    if steps:
        yield from ({"x": 0.5 * (a + b), "x_low": a, "x_high": b, "y": y} for a, b, y in steps)
    else:
        yield from ({"x": x, "y": y} for x, y in corners)


def _band(corners: Any) -> Iterator[Point]:
    """Yield lower and upper edge of a band, drawn as a polygon: there along one, and back along the other."""
    n = (len(corners) - 3) // 2
    one, other = corners[1 : n + 1], corners[n + 2 : 2 * n + 2][::-1]
    for (x, a), (_, b) in zip(one, other, strict=True):
        yield {"x": x, "y": 0.5 * (a + b), "y_low": min(a, b), "y_high": max(a, b)}


def _marks(marks: Collection) -> Iterator[Point]:
    """Yield points of a scatter plot, or the middles of shapes, with the numbers that colour them."""
    if isinstance(marks, PathCollection):
        places = np.ma.filled(np.ma.asarray(marks.get_offsets(), np.float64), np.nan)
    else:
        places = np.array([path.get_extents().get_points().mean(axis=0) for path in marks.get_paths()]).reshape(-1, 2)
    numbers = marks.get_array()
    for k, (x, y) in enumerate(places):
        yield {"x": x, "y": y} | ({} if numbers is None else {"z": float(numbers[k])})
