"""What the figures of the chapter have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from numpy.typing import NDArray

from hitforge.reporting.chapter import Measured, ReportInputs
from hitforge.reporting.metrics import sample_title
from hitforge.reporting.numbers import measured
from hitforge.reporting.style import INK
from hitforge.studies.calo_muon.report.labels import Box, overlap
from hitforge.studies.calo_muon.report.view import LIMITS, binned, limit

ENERGY_LABEL = "True energy [GeV]"
BITS_LABEL = "Information about the energy [bit]"


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


def sample_text(inputs: ReportInputs, sample: str) -> str:
    n_muons = next((m["samples"][sample]["n_muons"] for m in inputs.metrics_of.values() if sample in m["samples"]), 0)
    return f"{sample_title(sample)}, {n_muons} muons"


def room_for_names(axes: Axes, x: list[float], numbers: list[Measured]) -> None:
    """Fix the limits of the axes so that all points have room for their names."""
    known = [(n.value, n.error or 0.0) for n in numbers if n.value is not None]
    low, high = min(v - e for v, e in known), max(v + e for v, e in known)
    room = max(high - low, 0.05)
    axes.set_ylim(max(0.0, low - 0.12 * room) if low > 0 else low - 0.12 * room, high + 0.14 * room)
    left, right = np.log10(min(x)), np.log10(max(x))
    pad = max(0.14 * (right - left), 0.35)
    axes.set_xlim(10.0 ** (left - pad), 10.0 ** (right + pad))


def limits_of(inputs: ReportInputs, sample: str) -> dict[str, Measured]:
    """Return what oracles know of a sample, by what they are given; empty where nothing is known."""
    found = {text: limit(inputs, sample, key) for key, text in LIMITS.items()}
    return {text: number for text, number in found.items() if number.value is not None}


Side = Literal["left", "center", "right"]
_PLACES: Sequence[tuple[float, Side]] = (
    (0.985, "right"),
    (0.015, "left"),
    *((x, "center") for x in (0.5, 0.4, 0.6, 0.3, 0.7)),
)
"""Where along a line its name may stand, as a fraction of the axes."""


def draw_limits(axes: Axes, bounds: Mapping[str, Measured], taken: Sequence[Box]) -> list[Box]:
    """Draw what oracles know, lowest first, as lines with bands; return what lines and names cover.

    The name of a line stands where it covers least of what is ``taken``.
    """
    covered: list[Box] = []
    frame = axes.get_window_extent()
    for index, (text, number) in enumerate(bounds.items()):
        assert number.value is not None
        error, above = number.error or 0.0, index == len(bounds) - 1
        axes.axhspan(number.value - error, number.value + error, color=INK, alpha=0.12, linewidth=0)
        axes.axhline(number.value, color=INK, linewidth=1.1, linestyle="-" if index == 0 else "--")
        # the losses alone are no limit: a model also sees the track bend
        known = f"{'limit, ' if above else ''}{text} known: {measured(number)} bit"
        name = axes.annotate(
            known, (0.985, number.value + (error if above else -error)),
            xycoords=("axes fraction", "data"), xytext=(0, 3 if above else -3), textcoords="offset points",
            ha="right", va="bottom" if above else "top", fontsize=9.5,
        )  # fmt: skip

        def place(x: float, side: Side, name: Annotation = name) -> Box:
            name.xy = (x, name.xy[1])
            name.set_horizontalalignment(side)
            return cast(Box, tuple(name.get_window_extent().padded(4.0).extents))

        place(*min(_PLACES, key=lambda known: sum(overlap(place(*known), box) for box in taken)))
        (_, low), (_, high) = axes.transData.transform([(1.0, number.value - error), (1.0, number.value + error)])
        covered += [(frame.x0, low - 1.0, frame.x1, high + 1.0), name.get_window_extent().extents]
    return covered
