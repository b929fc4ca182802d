"""Look of the figures.

Fonts come with mplhep; colours are Petroff's, which people with any colour vision can tell apart (arXiv:2107.02270).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import mplhep
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as MatplotlibFigure

COLOURS = ("#3f90da", "#bd1f01", "#ffa90e", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd", "#94a4a2")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
BLUE, RED, ORANGE, PURPLE = COLOURS[:4]
GREY = "#717581"
GREYS = (GREY, "#94a4a2")
"""Of the colours; no model has one of them."""
INK = "#1f2430"
SEQUENTIAL = "viridis"
HOUSE = r"$\bf{hitforge}$"
"""Begins the label of a figure that has none of its own."""

# mplhep brings the fonts, and the ticks inside on all sides that the experiments use
_FROM_MPLHEP = ("mathtext.", "xtick.", "ytick.")

_RC: Any = {
    **{key: value for key, value in mplhep.style.ATLAS.items() if key.startswith(_FROM_MPLHEP)},
    # the second one has the signs that the first lacks
    "font.family": ["TeX Gyre Heros", "DejaVu Sans"],
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11.5,
    "legend.fontsize": 10,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "mathtext.default": "regular",
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.9,
    "axes.unicode_minus": True,
    "xaxis.labellocation": "right",
    "yaxis.labellocation": "top",
    "xtick.major.size": 6,
    "ytick.major.size": 6,
    "xtick.minor.size": 3,
    "ytick.minor.size": 3,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "errorbar.capsize": 0,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # fixed: without it the ids in an SVG are random
    "svg.hashsalt": "hitforge",
    # glyphs as paths: the reader's machine does not have the fonts
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "image.composite_image": False,
    # a user's matplotlibrc must not reach the bytes
    "text.usetex": False,
    "path.simplify": True,
    "agg.path.chunksize": 0,
}


@contextmanager
def hep_style() -> Iterator[None]:
    """Use the report's style inside the block, whatever the user's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def new_figure(width: float = 7.0, height: float = 5.0, **options: Any) -> MatplotlibFigure:
    """Return an empty figure of a size in inches; it belongs to no window system and needs no closing."""
    figure = MatplotlibFigure(figsize=(width, height), **options)
    FigureCanvasAgg(figure)
    return figure


def label(axes: Axes, data: str, right: str = "") -> None:
    """Write ``hitforge <data>`` above the axes on the left, and what the sample is on the right."""
    words = rf" $\it{{{data}}}$" if data else ""
    axes.set_title(HOUSE + words, loc="left", pad=5)
    if right:
        axes.set_title(right, loc="right", fontsize=mpl.rcParams["axes.titlesize"] - 1, pad=5)


def empty_figure(reason: str) -> MatplotlibFigure:
    """Return a figure that says why it shows nothing."""
    figure = new_figure(7.0, 1.6)
    figure.text(0.5, 0.5, reason, ha="center", va="center", wrap=True, color=GREY)
    return figure
