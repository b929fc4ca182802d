"""Figures of images: means, examples, whole events, mistakes, and what a network looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, LogNorm, Normalize, SymLogNorm
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.metrics import shown_sample
from hitforge.reporting.plotting import data_label, figure_of, nothing
from hitforge.reporting.style import GREY, HOUSE, SEQUENTIAL, new_figure
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.objects import CHANNELS, CLASS_NAMES
from hitforge.studies.object_id.data.stored import StoredObjects
from hitforge.studies.object_id.report import view

LOWEST_GEV, HIGHEST_GEV = 0.01, 50.0
ENERGY = LogNorm(LOWEST_GEV, HIGHEST_GEV)
ENERGY_COLOURS = colormaps[SEQUENTIAL].with_extremes(under="white")
EVENT_NAMES = ("two electrons", "two jets", "two muons", "two taus")
MISCLASSIFIED_SHOWN = 8
IN_A_LINE = 4
NO_OBJECTS = "no shard of the sample is among the report's inputs"

Images = NDArray[np.floating]
Drawn = tuple[MatplotlibFigure, str]
"""A figure and its caption."""


@figure_of("Mean sub-image of each class", view.train_objects, NO_OBJECTS)
def mean_images(inputs: ReportInputs, objects: StoredObjects) -> Drawn:
    """Mean image of each class in both channels."""
    caption = (
        f"Mean transverse energy of {len(objects)} objects of the train sample, each relative to its axis; cells below "
        f"{1000 * LOWEST_GEV:.0f} MeV are white."
    )
    return _gallery(
        inputs, inputs.train_sample, [(name, objects.image[own].mean(axis=0)) for name, own in _by_class(objects)]
    ), caption


@figure_of("One object of each class", view.train_objects, NO_OBJECTS)
def example_images(inputs: ReportInputs, objects: StoredObjects) -> Drawn:
    """One object of each class: the first of the train sample with a pT near 40 GeV."""
    chosen = [(name, own[np.abs(objects.pt[own] - 40.0).argmin()]) for name, own in _by_class(objects)]
    images = [(f"{name}, $p_T$ {objects.pt[k]:.0f} GeV", objects.image[k]) for name, k in chosen]
    caption = "The object of the train sample whose pT is closest to 40 GeV; white cells are below the threshold."
    return _gallery(inputs, inputs.train_sample, images), caption


def _by_class(objects: StoredObjects) -> list[tuple[str, NDArray[np.int64]]]:
    """Return the objects of each class that there are some of."""
    found = [(name, np.flatnonzero(objects.label == c)) for c, name in enumerate(CLASS_NAMES)]
    return [(name, own) for name, own in found if len(own)]


def event_displays(inputs: ReportInputs) -> Figure:
    """The first event of each class of which both objects are used, in the plane of the detector."""
    title = "Four events in the plane of the detector"
    objects = view.train_objects(inputs)
    # the objects of an event stand next to each other and share its bucket
    same = (objects.bucket[1:] == objects.bucket[:-1]) & (objects.label[1:] == objects.label[:-1])
    first = {c: np.flatnonzero(same & (objects.label[1:] == c))[:1] for c in range(len(CLASS_NAMES))}
    if not any(len(found) for found in first.values()):
        return nothing("event_displays", title, NO_OBJECTS if not len(objects) else "no event has two used objects")
    geometry = view.image_settings(inputs)
    (half_eta, half_phi), (eta, phi) = geometry.half_widths, geometry.axes()
    half_cell = 0.5 * geometry.cell_eta, 0.5 * geometry.cell_phi
    figure = new_figure(12.0, 4.2)
    panels = figure.subplots(1, len(CLASS_NAMES), sharex=True, sharey=True)
    for axes, (c, found) in zip(panels, first.items(), strict=True):
        for k in (*found, *(found + 1)):
            mesh = _image(axes, objects.image[k].sum(axis=0), geometry, objects.eta[k], objects.phi[k])
            # step by step: the picture's digits follow the rounding of the single precision axis
            corner = objects.eta[k] + eta[0] - half_cell[0], objects.phi[k] + phi[0] - half_cell[1]
            size = 2 * half_eta, 2 * half_phi
            axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=GREY, linewidth=0.8))
            text = f"{objects.pt[k]:.0f} GeV"
            axes.text(corner[0] + 0.5 * size[0], corner[1] + size[1] + 0.06, text, ha="center", fontsize=9)
        axes.set_title(EVENT_NAMES[c], loc="right", fontsize=10)
        axes.set_xlabel("η")
        axes.set_aspect("equal")
    panels[0].set(xlim=(-3.0, 3.0), ylim=(-3.7, 3.7), ylabel="φ [rad]")
    figure.colorbar(mesh, ax=panels, label="$E_T$ [GeV]", pad=0.01, aspect=30)
    headed(figure, inputs, inputs.train_sample)
    caption = (
        "The sub-images of an event where they are in the detector, both channels added, with the pT of their axes; "
        "the first event of each kind in the train sample of which both objects are used."
    )
    return Figure("event_displays", title, caption, figure)


def misclassified(inputs: ReportInputs) -> Figure:
    """The surest mistakes of the reference model."""
    title = f"The surest mistakes of {inputs.reference}"
    found = view.predicted_objects(inputs)
    objects = view.objects_of(inputs, shown_sample(inputs))
    if found is None or not len(objects):
        return nothing("misclassified", title, "predictions or shards of the shown sample are not among the inputs")
    shown = {key: k for k, key in enumerate(zip(objects.part.tolist(), objects.entry.tolist(), strict=True))}
    place, predicted, sure = view.places_of(inputs), found.predicted, found.probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != found.label)
    worst = [k for k in wrong[np.argsort(-sure[wrong], kind="stable")] if place[k] in shown][:MISCLASSIFIED_SHOWN]
    images = [
        (
            f"{CLASS_NAMES[found.label[k]]}, called {CLASS_NAMES[predicted[k]]} ({100 * sure[k]:.1f} %)",
            objects.image[shown[place[k]]],
        )
        for k in worst
    ]
    if not images:
        return nothing("misclassified", title, "no object of the shards shown is misclassified")
    caption = f"True class, predicted class and its probability; {len(wrong)} of {len(found.label)} objects are wrong."
    return Figure("misclassified", title, caption, _gallery(inputs, shown_sample(inputs), images))


def occlusion(inputs: ReportInputs) -> Figure:
    """What a network looks at: the loss of likelihood when cells are emptied."""
    title = "What the network looks at"
    networks = view.networks_of(inputs)
    if not networks:
        return nothing("occlusion", title, "no network is among the reported models")
    model = inputs.reference if inputs.reference in networks else networks[0]
    title += f": occlusion maps of {model}"
    found = inputs.explain_of.get(model, {}).get("occlusion")
    if found is None:
        return nothing("occlusion", title, "no shard of the sample, or no scaling, is among the report's inputs")
    maps = [(CLASS_NAMES[c], np.array(of_class)) for c, of_class in enumerate(found["maps"]) if of_class is not None]
    largest = max(1e-3, *(float(np.abs(of_class).max()) for _, of_class in maps))
    norm = SymLogNorm(linthresh=0.01 * largest, vmin=-largest, vmax=largest)
    figure = _gallery(inputs, shown_sample(inputs), maps, norm, "RdBu_r", "Mean loss of ln p")
    caption = (
        f"Mean loss of ln p of the true class when {found['patch']} × {found['patch']} cells of one channel are "
        f"emptied, first member of {model}, {found['objects_per_class']} objects of each class; features are made "
        "again from what is left. Red cells speak for the true class, blue ones against it. The scale is linear below "
        "a hundredth of its end."
    )
    return Figure("occlusion", title, caption, figure)


def _gallery(
    inputs: ReportInputs,
    sample: str,
    images: Sequence[tuple[str, Images]],
    norm: Normalize = ENERGY,
    colours: str | Colormap = ENERGY_COLOURS,
    bar: str = "$E_T$ [GeV]",
) -> MatplotlibFigure:
    """Return a figure of named images, up to four in a line, each a column with a row for each channel."""
    geometry = view.image_settings(inputs)
    lines, columns = -(-len(images) // IN_A_LINE), min(len(images), IN_A_LINE)
    figure = new_figure(2.2 * columns + 1.4, 4.4 * lines + 0.5)
    grid = figure.subplots(len(CHANNELS) * lines, columns, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat:
        axes.set_axis_off()
    for k, (name, image) in enumerate(images):
        line, column = divmod(k, IN_A_LINE)
        for c, channel in enumerate(CHANNELS):
            axes = grid[len(CHANNELS) * line + c, column]
            axes.set_axis_on()
            mesh = _image(axes, image[c], geometry, norm=norm, colours=colours)
            if column == 0:
                axes.set_ylabel(f"{channel.upper()}   Δη")
        grid[len(CHANNELS) * line, column].set_title(name, fontsize=9.5)
        axes.set_xlabel("Δφ [rad]")
    figure.colorbar(mesh, ax=grid, label=bar, pad=0.01, aspect=30)
    headed(figure, inputs, sample)
    return figure


def headed(figure: MatplotlibFigure, inputs: ReportInputs, sample: str) -> None:
    """Write what the data are above all panels, where each panel has a title of its own."""
    data = data_label(inputs, sample)
    figure.suptitle(HOUSE + (rf" $\it{{{data}}}$" if data else ""), x=0.02, ha="left")


def _image(
    axes: Axes,
    cells: Images,
    geometry: ImageSettings,
    eta_of_axis: float | None = None,
    phi_of_axis: float | None = None,
    norm: Normalize = ENERGY,
    colours: str | Colormap = ENERGY_COLOURS,
) -> QuadMesh:
    """Draw cells relative to the axis, phi to the right; with an axis, in the detector, eta to the right."""
    eta, phi = geometry.axes()
    phi_edges = np.append(phi, phi[-1] + geometry.cell_phi) - 0.5 * geometry.cell_phi
    eta_edges = np.append(eta, eta[-1] + geometry.cell_eta) - 0.5 * geometry.cell_eta
    shown = np.ma.masked_less_equal(cells, 0.0) if isinstance(norm, LogNorm) else cells
    x, y = phi_edges, eta_edges
    if eta_of_axis is not None and phi_of_axis is not None:
        x, y, shown = eta_of_axis + eta_edges, phi_of_axis + phi_edges, shown.T
    return axes.pcolormesh(x, y, shown, cmap=colours, norm=norm, rasterized=True)
