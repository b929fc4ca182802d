"""Names beside points: each where it covers no other name, point or error bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from hitforge.reporting.style import GREY

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels."""

_DISTANCES = (10.0, 16.0, 24.0, 34.0, 46.0, 60.0, 76.0)
_DIRECTIONS = (0.0, 180.0, 90.0, 270.0, 30.0, 150.0, 330.0, 210.0, 60.0, 120.0, 300.0, 240.0)
"""Tried in this order at each distance, in degrees from the right."""

_LEADER = 17.0
"""From this distance in pixels on a line leads from the point to its name."""

_COVERED, _CROSSED = 100.0, 1.0
"""Penalties of a square pixel that covers something, and of each twelfth of a leading line that does."""

_SWEEPS = 3
"""Each name is placed again so many times, knowing where the others went."""


@dataclass(frozen=True)
class Named:
    """A point with its name, in data coordinates."""

    x: float
    y: float
    text: str


def place_names(axes: Axes, points: Sequence[Named], obstacles: Sequence[Box], size: float = 9.5) -> list[Box]:
    """Write the names of points into axes whose limits and place in the figure are final.

    Parameters
    ----------
    axes : Axes
        Of a figure without a layout engine.
    points : sequence of Named
        In the order of their importance.
    obstacles : sequence of Box
        What no name may cover, the points' own markers included; see :func:`around`.
    size : float
        Of the letters in points.

    Returns
    -------
    list of Box
        Where the names stand, in pixels.
    """
    boxes: list[Box | None] = [None] * len(points)
    sizes = [_extent(axes, point.text, size) for point in points]
    for _ in range(_SWEEPS):
        for i, point in enumerate(points):
            others = [box for j, box in enumerate(boxes) if j != i and box is not None]
            boxes[i] = _best(axes, _pixels(axes, point), sizes[i], [*obstacles, *others])
    placed = [box for box in boxes if box is not None]
    for point, box in zip(points, placed, strict=True):
        _write(axes, point, box, size)
    return placed


def around(axes: Axes, x: float, low: float, high: float, margin: float = 5.0) -> Box:
    """Return the box of a marker with its vertical error bar, in pixels."""
    (x0, y0), (_, y1) = axes.transData.transform([(x, low), (x, high)])
    return (x0 - margin, y0 - margin, x0 + margin, y1 + margin)


def _pixels(axes: Axes, point: Named) -> NDArray[np.float64]:
    return np.asarray(axes.transData.transform((point.x, point.y)), dtype=np.float64)


def _extent(axes: Axes, text: str, size: float) -> tuple[float, float]:
    """Return width and height of a text in pixels, with some air."""
    drawn = axes.text(0.0, 0.0, text, fontsize=size, transform=None)
    box = drawn.get_window_extent()
    drawn.remove()
    return box.width + 4.0, box.height + 3.0


def _best(axes: Axes, point: NDArray[np.float64], size: tuple[float, float], taken: Sequence[Box]) -> Box:
    """Return the first free place, or that which covers least."""
    frame = axes.get_window_extent()
    room: Box = (frame.x0 + 3, frame.y0 + 3, frame.x1 - 3, frame.y1 - 3)
    found: tuple[float, Box] | None = None
    for distance in _DISTANCES:
        for direction in np.radians(_DIRECTIONS):
            cosine, sine = np.cos(direction), np.sin(direction)
            centre = point + (distance * np.array([cosine, sine])) + 0.5 * np.array(size) * (cosine, sine)
            box = _box(centre, size)
            outside = size[0] * size[1] - overlap(box, room)
            cost = _COVERED * (outside + sum(overlap(box, other) for other in taken))
            if distance >= _LEADER:
                cost += sum(_crosses(point, box, other) for other in taken)
            if found is None or cost < found[0] - 1e-6:
                found = (cost, box)
        if found is not None and found[0] < 1e-6:
            break
    assert found is not None
    return found[1]


def _box(centre: NDArray[np.float64], size: tuple[float, float]) -> Box:
    half = 0.5 * np.array(size)
    (x0, y0), (x1, y1) = centre - half, centre + half
    return float(x0), float(y0), float(x1), float(y1)


def overlap(a: Box, b: Box) -> float:
    """Return the area that two boxes share, in square pixels."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


def _crosses(point: NDArray[np.float64], box: Box, other: Box) -> float:
    """Return a penalty where the line from a point to its name runs through something that is not the point's own."""
    if other[0] <= point[0] <= other[2] and other[1] <= point[1] <= other[3]:
        return 0.0
    end = _nearest(point, box)
    on_line = point + np.linspace(0.1, 1.0, 12)[:, None] * (end - point)
    inside = (on_line[:, 0] > other[0]) & (on_line[:, 0] < other[2]) & (on_line[:, 1] > other[1])
    return _CROSSED * float(np.count_nonzero(inside & (on_line[:, 1] < other[3])))


def _nearest(point: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    return np.clip(point, (box[0], box[1]), (box[2], box[3]))


def _write(axes: Axes, point: Named, box: Box, size: float) -> None:
    start = _pixels(axes, point)
    to_data = axes.transData.inverted()
    x, y = to_data.transform((0.5 * (box[0] + box[2]), 0.5 * (box[1] + box[3])))
    axes.text(x, y, point.text, fontsize=size, ha="center", va="center", zorder=6)
    end = _nearest(start, box)
    if np.hypot(*(end - start)) >= _LEADER - 1.0:
        axes.plot(
            *to_data.transform(np.array([start, end])).T,
            color=GREY,
            linewidth=0.7,
            zorder=1,
            scalex=False,
            scaley=False,
        )
