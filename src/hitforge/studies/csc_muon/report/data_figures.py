"""Figures of the data: missing hits, features, momentum, class shares, hit images."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.ticker import FormatStrFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from hitforge.published import load_published
from hitforge.reporting import training_figures
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.events import ShownEvents
from hitforge.reporting.plotting import (
    data_label,
    draw_points,
    draw_shares,
    few_log_ticks,
    figure_of,
    right_title,
    shades,
)
from hitforge.reporting.style import BLUE, COLOURS, GREY, INK, label, new_figure
from hitforge.studies.csc_muon.data.planes import PLANE, PLANES
from hitforge.studies.csc_muon.data.roads import N_VARIABLES
from hitforge.studies.csc_muon.evaluation.sample import CLASS_NAMES, pt_class
from hitforge.studies.csc_muon.features import FEATURE_UNITS
from hitforge.studies.csc_muon.models.tensors import COLUMN_UNITS, IMAGE_COLUMNS, IMAGE_ROWS, hit_image
from hitforge.studies.csc_muon.report.data_tables import (
    NO_ROADS,
    Q_OVER_PT,
    ClassShares,
    class_share_rows,
    missing_percent,
    pt_of_roads,
    train_roads,
)
from hitforge.studies.csc_muon.report.meanings import meaning_of

SHOWN_FEATURES = (
    *(f"{block}_{plane}" for plane in ("me11", "me12", "me2") for block in ("phi", "theta", "bend")),
    *("dphi_12", "dphi_23", "dphi_34", "dtheta_12", "gem_bend", "me0_bend", "dphi_sum4_abs", "mode"),
    *("straightness", "zone", "road_word3"),
)
"""Columns of the figure of features."""

_COLUMN_DEG = COLUMN_UNITS / 60
"""Width of a column of the images."""
IMAGE_PT_GEV = (3.0, 10.0, 50.0)
"""Roads nearest to these pT are shown as images."""


@figure_of("Missing hits", train_roads, NO_ROADS)
def missing_values(inputs: ReportInputs, roads: ShownEvents) -> tuple[MatplotlibFigure, str]:
    """Share of roads without a hit, plane by plane, sorted."""
    shares = missing_percent(roads)
    types = {plane.chamber: plane.type for plane in PLANES}
    names = sorted(shares, key=lambda name: shares[name])
    colours = dict(zip(("CSC", "RPC", "GEM"), COLOURS, strict=False))
    figure = new_figure(7.0, 4.6)
    axes = figure.subplots()
    axes.barh(range(len(names)), [shares[name] for name in names], color=[colours[types[name]] for name in names])
    for i, name in enumerate(names):
        axes.text(shares[name] + 0.8, i, f"{shares[name]:.1f}", va="center", fontsize=9)
    for kind, colour in colours.items():
        axes.barh([0], [0], color=colour, label=kind)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", which="both", length=0)
    axes.set(xlim=(0.0, 108.0), xlabel="Roads without a hit [%]")
    axes.legend(loc="lower right")
    label(axes, data_label(inputs, inputs.train_sample), f"{len(roads)} roads")
    return figure, (
        "All columns of a plane (phi, theta, bend, time, ring, front) are missing together, so planes stand for "
        "columns. ME1/1 and ME1/2 are alternatives in η."
    )


@figure_of("Distributions of the features", train_roads, NO_ROADS)
def feature_distributions(inputs: ReportInputs, roads: ShownEvents) -> tuple[MatplotlibFigure, str]:
    """Raw and derived features in the four pT classes."""
    names = [name for name in SHOWN_FEATURES if name in roads.feature_names]
    groups = pt_class(pt_of_roads(roads))
    columns = 4
    rows = -(-len(names) // columns)
    # placed by hand: constrained layout is slow for so many panels
    figure = new_figure(12.0, 2.35 * rows + 0.5, layout="none")
    grid = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(
        left=0.055, right=0.99, bottom=0.6 / (2.35 * rows), top=1 - 0.5 / (2.35 * rows), hspace=0.36, wspace=0.2
    )
    for axes, name in zip(grid.flat, names, strict=False):
        values, integer = roads.feature(name).astype(np.float64), False
        present = np.isfinite(values)
        if present.any():
            edges = _edges(values[present])
            integer = bool(np.all(values[present] == np.round(values[present])))
            for c, colour in enumerate(shades(len(CLASS_NAMES))):
                chosen = values[present & (groups == c)]
                text = f"{CLASS_NAMES[c]} GeV, {np.count_nonzero(groups == c)} roads"
                draw_shares(axes, chosen, edges, colour, text, linewidth=1.3)
            axes.set_xlim(edges[0], edges[-1])
            axes.set_ylim(0.0, 1.08 * axes.get_ylim()[1])
        unit = FEATURE_UNITS.get(name, "")
        text = meaning_of(name)
        axes.set_xlabel(f"{text} [{unit}]" if unit else text, fontsize=10, labelpad=1)
        axes.tick_params(labelsize=8.5)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=integer))
        axes.yaxis.set_minor_locator(NullLocator())
    for axes in grid.flat[len(names) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel("Fraction / bin", fontsize=9.5)
    handles, texts = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="upper right", ncols=4, fontsize=10.5)
    label(grid[0, 0], data_label(inputs, inputs.train_sample))
    return figure, (
        f"Some raw columns and derived features of {len(roads)} roads of the train sample where they have a value, "
        "each pT class normalised to one; the outermost bins hold what lies beyond the 1 % and 99 % quantiles."
    )


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 20 bins over the bulk, or one bin for each integer of a small count."""
    low, high = (float(q) for q in np.quantile(values, (0.01, 0.99)))
    whole = bool(np.all(values == np.round(values)))
    if whole and high - low <= 20:
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1.5)
    if not high > low:
        return np.array([low - 0.5, low + 0.5])
    if whole:
        # bins of equally many integers: others would zigzag
        step = np.ceil((high - low) / 20)
        return np.arange(low - 0.5, high + step, step)
    return np.linspace(low, high, 21)


@figure_of("Generated momentum", train_roads, NO_ROADS)
def momentum(inputs: ReportInputs, roads: ShownEvents) -> tuple[MatplotlibFigure, str]:
    """Histograms of q/pT and of pT."""
    figure = new_figure(10.6, 3.9)
    left, right = figure.subplots(1, 2)
    left.hist(roads[Q_OVER_PT], np.linspace(-0.5, 0.5, 51).tolist(), histtype="stepfilled", color=BLUE, alpha=0.5)
    left.set(xlabel="q/$p_T$ [1/GeV]", ylabel="Roads / 0.02 GeV$^{-1}$", xlim=(-0.5, 0.5))
    edges = np.geomspace(2.0, 7000.0, 41)
    right.hist(pt_of_roads(roads), edges.tolist(), histtype="stepfilled", color=BLUE, alpha=0.5)
    right.set(xscale="log", yscale="log", xlim=(2.0, 7000.0))
    for edge in (10.0, 30.0, 100.0):
        right.axvline(edge, color=GREY, linestyle="--", linewidth=0.9)
    right.set(xlabel="$p_T$ [GeV]", ylabel="Roads / bin")
    label(left, data_label(inputs, inputs.train_sample), f"{len(roads)} roads")
    return figure, (
        "Signed inverse pT and pT of the train sample's roads; dashed: edges of the four classes. The loss at large "
        "|q/pT| is the road finder's turn-on."
    )


@figure_of("Class shares", class_share_rows, NO_ROADS)
def class_shares(inputs: ReportInputs, rows: list[ClassShares]) -> tuple[MatplotlibFigure, str]:
    """Shares of the four classes in each part of the data, beside the published ones."""
    rows = [*rows, ("published, other data", 0, list(load_published(inputs.study).blocks["class_shares_percent"]))]
    figure = new_figure(7.4, 4.2)
    axes = figure.subplots()
    for i, (name, n, shares) in enumerate(rows):
        x = np.arange(4) + 0.1 * (i - 0.5 * (len(rows) - 1))
        share = np.array(shares)
        error = np.sqrt(share * (100.0 - share) / n) if n else np.zeros(4)
        colour = INK if i == len(rows) - 1 else COLOURS[i % len(COLOURS)]
        text = f"{name}, {n} roads" if n else name
        draw_points(axes, x, share, error, i, colour, text, linestyle="none", elinewidth=1.2)
    axes.set(yscale="log", ylim=(1.0, 150.0), xlim=(-0.5, 3.5))
    few_log_ticks(axes.yaxis, formatter=FormatStrFormatter("%g"))
    axes.set_xticks(range(4), [f"{name} GeV" for name in CLASS_NAMES])
    axes.tick_params(axis="x", which="both", length=0)
    axes.set_ylabel("Share [%]")
    axes.legend(loc="upper right")
    label(axes, data_label(inputs, inputs.train_sample))
    return figure, (
        "Shares of the four pT classes in what is trained on, held out and tested, with binomial errors, and in the "
        "published data."
    )


@figure_of("Three roads as images", train_roads, NO_ROADS)
def hit_images(inputs: ReportInputs, roads: ShownEvents) -> tuple[MatplotlibFigure, str]:
    """Occupancy and bend of three roads as the image networks see them."""
    pt, positive = pt_of_roads(roads), roads[Q_OVER_PT] > 0
    chosen = [int(np.argmin(np.abs(1.0 / pt - 1.0 / wanted))) for wanted in IMAGE_PT_GEV]
    images = hit_image(roads["features"][chosen, :N_VARIABLES], np.ones(len(chosen), dtype=np.float32))
    figure = new_figure(11.5, 4.6)
    grid = figure.subplots(1, len(chosen), sharey=True)
    for axes, row, image in zip(grid, chosen, images, strict=True):
        mesh = axes.pcolormesh(
            _COLUMN_DEG * (np.arange(IMAGE_COLUMNS + 1) - IMAGE_COLUMNS / 2), np.arange(len(IMAGE_ROWS) + 1),
            np.ma.masked_equal(image[0], 0.0), cmap="viridis_r", vmin=0.0, vmax=1.0, rasterized=True,
        )  # fmt: skip
        axes.set_xlabel("φ − φ reference [deg]")
        right_title(axes, f"$p_T$ = {pt[row]:.1f} GeV, q = {'+' if positive[row] else '−'}1")
        axes.yaxis.set_minor_locator(NullLocator())
        axes.tick_params(axis="y", length=0)
    grid[0].set_title(r"$\bf{hitforge}$ " + rf"$\it{{{data_label(inputs, inputs.train_sample)}}}$", loc="left", pad=5)
    grid[0].set_yticks(np.arange(len(IMAGE_ROWS)) + 0.5, [PLANES[PLANE[name]].chamber for name in IMAGE_ROWS])
    grid[0].invert_yaxis()
    figure.colorbar(mesh, ax=grid, label="Share of the hit", pad=0.01, aspect=30)
    return figure, (
        "Occupancy channel of the hit image: planes from the interaction point outwards against phi. A hit is shared "
        "between its two neighbour columns, which keeps its position to one unit of 1/60 deg."
    )


def importances(inputs: ReportInputs) -> Figure:
    """Importances of the leading features of the tree models, called by their meaning."""
    return training_figures.importances(inputs, meaning_of)
