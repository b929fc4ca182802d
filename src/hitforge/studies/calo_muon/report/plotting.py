"""What the figures of the chapter have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from hitforge.reporting.style import COLOURS, MARKERS

ENERGY_LABEL = "True energy [GeV]"


def column(rows: Sequence[Mapping[str, Any]], key: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return values and errors of a metric over the bins in percent; NaN where there is none."""
    values = [row[key]["value"] for row in rows]
    errors = [row[key]["error"] for row in rows]
    return _percent(values), np.nan_to_num(_percent(errors))


def _percent(values: Sequence[float | None]) -> NDArray[np.float64]:
    return 100.0 * np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def energies(rows: Sequence[Mapping[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centres and half widths of the bins in GeV; discrete energies have no width."""
    low = np.array([row["low_gev"] for row in rows], dtype=np.float64)
    high = np.array([row["high_gev"] for row in rows], dtype=np.float64)
    return 0.5 * (low + high), 0.5 * (high - low)


def points(
    axes: Axes, rows: Sequence[Mapping[str, Any]], key: str, colour: str, marker: str, text: str, **options: Any
) -> None:
    """Draw a metric over energy as points with errors and bin widths."""
    x, half = energies(rows)
    y, error = column(rows, key)
    drawn = np.isfinite(y)
    if not drawn.any():
        axes.plot([], [], color=colour, marker=marker, linestyle="none", label=f"{text} (none)")
        return
    axes.errorbar(
        x[drawn], y[drawn], yerr=error[drawn], xerr=half[drawn] if half.any() else None, color=colour, marker=marker,
        linestyle="none", label=text, elinewidth=1.1, **options,
    )  # fmt: skip


def bands(
    axes: Axes,
    rows: Sequence[Mapping[str, Any]],
    key: str,
    index: int,
    text: str,
    bold: bool = False,
    band: bool = True,
) -> None:
    """Draw a metric over energy as a line with an error band, for many models in one panel."""
    x, _ = energies(rows)
    y, error = column(rows, key)
    colour = COLOURS[index % len(COLOURS)]
    axes.plot(
        x, y, color=colour, marker=MARKERS[index % len(MARKERS)], markersize=4, linewidth=2.2 if bold else 1.3,
        linestyle="-" if index < len(COLOURS) else "--", label=text, zorder=3 + bold,
    )  # fmt: skip
    if band:
        axes.fill_between(x, y - error, y + error, color=colour, alpha=0.16, linewidth=0)
