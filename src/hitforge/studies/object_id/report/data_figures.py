"""Figures of the data and of the training: images, kinematics, accuracy against epochs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as MatplotlibFigure
from numpy.typing import NDArray

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.history import load_histories
from hitforge.reporting.plotting import data_label, grid_shape, nothing
from hitforge.reporting.style import COLOURS, SEQUENTIAL, label, new_figure
from hitforge.studies.object_id.image import ImageSettings
from hitforge.studies.object_id.objects import CHANNELS, CLASS_NAMES
from hitforge.studies.object_id.report.data_tables import accuracy_rows
from hitforge.studies.object_id.report.object_data import image_settings, load_objects, train_sample
from hitforge.studies.object_id.report.predicted import predicted_objects
from hitforge.studies.object_id.report.view import shown_sample

LOWEST_GEV, HIGHEST_GEV = 0.01, 50.0
MISCLASSIFIED_SHOWN = 8
_NO_OBJECTS = "no shard of the sample is among the report's inputs"

Images = NDArray[np.floating]


def mean_images(inputs: ReportInputs) -> Figure:
    """Mean image of each class in both channels."""
    title = "Mean sub-image of each class"
    objects = load_objects(inputs, train_sample(inputs))
    if not len(objects):
        return nothing("mean_images", title, _NO_OBJECTS)
    present = [c for c in range(len(CLASS_NAMES)) if (objects.label == c).any()]
    means = [objects.image[objects.label == c].mean(axis=0) for c in present]
    names = [CLASS_NAMES[c] for c in present]
    caption = f"Mean transverse energy of {len(objects)} objects of the train sample, each relative to its axis."
    return Figure("mean_images", title, caption, _gallery(inputs, np.stack(means), names))


def example_images(inputs: ReportInputs) -> Figure:
    """One object of each class: the first of the train sample with a pT near 40 GeV."""
    title = "One object of each class"
    objects = load_objects(inputs, train_sample(inputs))
    if not len(objects):
        return nothing("example_images", title, _NO_OBJECTS)
    chosen, names = [], []
    for c, name in enumerate(CLASS_NAMES):
        own = np.flatnonzero(objects.label == c)
        if len(own):
            k = int(own[np.abs(objects.pt[own] - 40.0).argmin()])
            chosen.append(objects.image[k])
            names.append(f"{name}, $p_T$ {objects.pt[k]:.0f} GeV")
    caption = "The object of the train sample whose pT is closest to 40 GeV; white cells are below the threshold."
    return Figure("example_images", title, caption, _gallery(inputs, np.stack(chosen), names))


def misclassified(inputs: ReportInputs) -> Figure:
    """The surest mistakes of the reference model."""
    title = f"The surest mistakes of {inputs.reference}"
    found = predicted_objects(inputs)
    objects = load_objects(inputs, shown_sample(inputs))
    if found is None or not len(objects):
        return nothing("misclassified", title, "predictions or shards of the shown sample are not among the inputs")
    place = {key: k for k, key in enumerate(zip(objects.part.tolist(), objects.entry.tolist(), strict=True))}
    predicted = found.probabilities.argmax(axis=1)
    sure = found.probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != found.label)
    images: list[Images] = []
    names: list[str] = []
    for k in wrong[np.argsort(-sure[wrong], kind="stable")]:
        at = place.get((str(found.part[k]), int(found.entry[k])))
        if at is not None and len(images) < MISCLASSIFIED_SHOWN:
            images.append(objects.image[at])
            names.append(f"{CLASS_NAMES[found.label[k]]}, called\n{CLASS_NAMES[predicted[k]]} ({100 * sure[k]:.1f} %)")
    if not images:
        return nothing("misclassified", title, "no object of the shards shown is misclassified")
    caption = f"True class, predicted class and its probability; {len(wrong)} of {len(found.label)} objects are wrong."
    return Figure("misclassified", title, caption, _gallery(inputs, np.stack(images), names))


def _gallery(inputs: ReportInputs, images: Images, names: list[str]) -> MatplotlibFigure:
    """Return a figure with a column for each image and a row for each channel, in GeV."""
    geometry = image_settings(inputs)
    figure = new_figure(2.0 * len(images) + 1.4, 4.9)
    grid = figure.subplots(len(CHANNELS), len(images), squeeze=False, sharex=True, sharey=True)
    for column, (image, name) in enumerate(zip(images, names, strict=True)):
        for row in range(len(CHANNELS)):
            mesh = _image(grid[row, column], image[row], geometry)
        grid[0, column].set_title(name, fontsize=9)
        grid[-1, column].set_xlabel("Δφ [rad]")
    for row, channel in enumerate(CHANNELS):
        grid[row, 0].set_ylabel(f"{channel.upper()}   Δη")
    figure.colorbar(mesh, ax=grid, label="$E_T$ [GeV]", pad=0.01, aspect=30)
    figure.suptitle(r"$\bf{hitforge}$ " + rf"$\it{{{data_label(inputs, train_sample(inputs))}}}$", x=0.02, ha="left")
    return figure


def _image(axes: Axes, cells: Images, geometry: ImageSettings) -> QuadMesh:
    eta, phi = geometry.axes()
    x = np.append(phi, phi[-1] + geometry.cell_phi) - 0.5 * geometry.cell_phi
    y = np.append(eta, eta[-1] + geometry.cell_eta) - 0.5 * geometry.cell_eta
    shown = np.ma.masked_less_equal(cells, 0.0)
    norm = LogNorm(LOWEST_GEV, HIGHEST_GEV)
    return axes.pcolormesh(x, y, shown, cmap=SEQUENTIAL, norm=norm, rasterized=True)


def kinematics(inputs: ReportInputs) -> Figure:
    """pT and eta of each class: what the matching is about."""
    title = "Transverse momentum and direction of each class"
    objects = load_objects(inputs, train_sample(inputs))
    if not len(objects):
        return nothing("kinematics", title, _NO_OBJECTS)
    figure = new_figure(12.0, 3.9)
    panels = figure.subplots(1, 3)
    total = objects.image.sum(axis=(1, 2, 3))
    shown = (
        (objects.pt, np.linspace(20.0, 120.0, 41), "$p_T$ of the axis [GeV]"),
        (objects.eta, np.linspace(-2.4, 2.4, 25), "η of the axis"),
        (total, np.linspace(0.0, 100.0, 51), "Transverse energy in the image [GeV]"),
    )
    for axes, (values, edges, text) in zip(panels, shown, strict=True):
        for c, (name, colour) in enumerate(zip(CLASS_NAMES, COLOURS, strict=False)):
            own = values[objects.label == c]
            if len(own):
                axes.stairs(np.histogram(own, edges)[0] / len(own), edges, color=colour, label=name)
        axes.set_xlabel(text)
        axes.set_ylabel("Fraction / bin")
    panels[0].set_yscale("log")
    panels[2].set_yscale("log")
    panels[1].set_ylim(bottom=0.0)
    panels[0].legend()
    label(panels[0], data_label(inputs, train_sample(inputs)), f"{len(objects)} objects")
    return Figure(
        "kinematics",
        title,
        "Each class normalised to one. Where the spectra of pT differ, a model can tell classes apart without looking "
        "at a shower; the matched numbers of the tables weigh them to one spectrum.",
        figure,
    )


def accuracy_history(inputs: ReportInputs) -> Figure:
    """Accuracy against epochs, in training and on the validation fold, a panel for each network."""
    networks = [m for m, manifest in inputs.manifest_of.items() if manifest.get("kind") == "network"]
    if not networks:
        return nothing("accuracy_history", "Accuracy against epochs", "no network is among the reported models")
    rows, columns = grid_shape(len(networks), 3)
    figure = new_figure(4.3 * columns if columns > 1 else 6.0, 3.3 * rows + 0.3)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, model in zip(grid.flat, networks, strict=False):
        for history in load_histories(inputs.manifests[model], inputs.manifest_of[model]):
            colour = COLOURS[history.member % len(COLOURS)]
            for key, style in (("train_accuracy", "--"), ("validation_accuracy", "-")):
                found = accuracy_rows(inputs, model, history.member, key)
                axes.plot(np.arange(1, len(found) + 1), found, style, color=colour, linewidth=1.2)
        axes.set_title(model, loc="left", fontweight="bold")
        axes.set_xlabel("Epoch")
        axes.set_ylabel("Accuracy")
        axes.set_ylim(0.0, 1.0)
    for axes in grid.flat[len(networks) :]:
        axes.set_axis_off()
    return Figure(
        "accuracy_history",
        "Accuracy against epochs",
        "On training batches, with dropout and augmentation at work (dashed), and on the validation fold (solid); each "
        "member of an ensemble has a colour.",
        figure,
    )
