"""What the figures of the chapter have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from hitforge.reporting.chapter import Measured
from hitforge.studies.calo_muon.report.view import binned

ENERGY_LABEL = "True energy [GeV]"


def draw_number(
    axes: Axes,
    at: float,
    number: Measured,
    colour: str,
    marker: str,
    filled: bool = True,
    along: Literal["x", "y"] = "y",
) -> None:
    """Draw a number with its error at a place of the other axis; nothing where there is no number."""
    if number.value is None:
        return
    x, y = (at, number.value) if along == "y" else (number.value, at)
    xerr, yerr = (None, number.error) if along == "y" else (number.error, None)
    axes.errorbar(
        x, y, xerr=xerr, yerr=yerr, color=colour, marker=marker, linestyle="none", markersize=6,
        markerfacecolor=colour if filled else "white", elinewidth=1.2, zorder=4 if filled else 3,
    )  # fmt: skip


def column(
    rows: Sequence[Mapping[str, Any]], key: str, scale: float = 100.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return values (NaN where there is none) and errors (zero where there is none) of a metric over energy bins."""
    numbers = [binned(row, key, scale) for row in rows]
    values = np.array([np.nan if n.value is None else n.value for n in numbers], dtype=np.float64)
    return values, np.array([n.error or 0.0 for n in numbers], dtype=np.float64)


def energies(rows: Sequence[Mapping[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centres and half widths of the bins in GeV; discrete energies have no width."""
    low = np.array([row["low_gev"] for row in rows], dtype=np.float64)
    high = np.array([row["high_gev"] for row in rows], dtype=np.float64)
    return 0.5 * (low + high), 0.5 * (high - low)


def points(
    axes: Axes,
    rows: Sequence[Mapping[str, Any]],
    key: str,
    colour: str,
    marker: str,
    text: str,
    scale: float = 100.0,
    shift: float = 0.0,
    **options: Any,
) -> None:
    """Draw a metric over energy as points with errors and bin widths, moved right by ``shift`` half widths."""
    x, half = energies(rows)
    x = x + shift * half
    y, error = column(rows, key, scale)
    drawn = np.isfinite(y)
    if not drawn.any():
        axes.plot([], [], color=colour, marker=marker, linestyle="none", label=f"{text} (none)")
        return
    widths = np.array([(1.0 + shift) * half, (1.0 - shift) * half])[:, drawn]
    axes.errorbar(
        x[drawn], y[drawn], yerr=error[drawn] if error.any() else None, xerr=widths if half.any() else None,
        color=colour, marker=marker, linestyle="none", label=text, elinewidth=1.1, **options,
    )  # fmt: skip
