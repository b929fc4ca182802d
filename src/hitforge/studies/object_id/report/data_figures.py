"""Figures of the data and of the training: kinematics, accuracy against epochs."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator, NullLocator

from hitforge.reporting import training_figures
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.history import load_histories
from hitforge.reporting.model_looks import colour_of, shown_models
from hitforge.reporting.plotting import data_label, draw_shares, figure_of, panels_for
from hitforge.reporting.style import label, new_figure
from hitforge.studies.object_id.data.stored import StoredObjects
from hitforge.studies.object_id.report.data_tables import accuracy_by_epoch
from hitforge.studies.object_id.report.image_figures import NO_OBJECTS, Drawn, headed
from hitforge.studies.object_id.report.meanings import meaning_of
from hitforge.studies.object_id.report.result_figures import CLASS_COLOURS
from hitforge.studies.object_id.report.view import networks_of, train_objects


def shown_networks(inputs: ReportInputs) -> list[str]:
    """Return the networks that a figure of the training shows."""
    networks = networks_of(inputs)
    return [model for model in shown_models(inputs, networks) if model in networks]


@figure_of("Transverse momentum and direction of each class", train_objects, NO_OBJECTS)
def kinematics(inputs: ReportInputs, objects: StoredObjects) -> Drawn:
    """pT and eta of each class: what the matching is about."""
    figure = new_figure(12.0, 3.9)
    panels = figure.subplots(1, 3)
    total = objects.image.sum(axis=(1, 2, 3))
    shown = (
        (objects.pt, np.linspace(20.0, 120.0, 21), "$p_T$ of the axis [GeV]", "5 GeV"),
        (objects.eta, np.linspace(-2.4, 2.4, 13), "η of the axis", "0.4"),
        (total, np.linspace(0.0, 100.0, 26), "Transverse energy in the image [GeV]", "4 GeV"),
    )
    for axes, (values, edges, text, width) in zip(panels, shown, strict=True):
        for c, (name, colour) in enumerate(CLASS_COLOURS.items()):
            draw_shares(axes, values[objects.label == c], edges, colour, name)
        axes.set(xlabel=text, ylabel=f"Fraction / {width}")
    panels[0].set_yscale("log")
    panels[2].set_yscale("log")
    panels[1].set_ylim(bottom=0.0)
    panels[0].legend()
    label(panels[0], data_label(inputs, inputs.train_sample), f"{len(objects)} objects")
    return figure, (
        "Each class normalised to one; the outermost bins hold what lies beyond. Where the spectra of pT differ, a "
        "model can tell classes apart without looking at a shower; the matched numbers of the tables weigh them to one "
        "spectrum."
    )


@figure_of("Accuracy against epochs", shown_networks, "no network is among the reported models")
def accuracy_history(inputs: ReportInputs, networks: list[str]) -> Drawn:
    """Accuracy against epochs, in training and on the validation fold, a panel for each shown network."""
    figure, grid = panels_for(networks, 3, (4.3, 3.3), (0.0, 0.6), alone=6.0)
    headed(figure, inputs, inputs.train_sample)
    lowest = 1.0
    for axes, model in zip(grid.flat, networks, strict=False):
        for history in load_histories(inputs.manifests[model], inputs.manifest_of[model]):
            for key, style in (("train_accuracy", "--"), ("validation_accuracy", "-")):
                found = accuracy_by_epoch(inputs, model, history.member, key)
                axes.plot(np.arange(1, len(found) + 1), found, style, color=colour_of(inputs, model), linewidth=1.2)
                lowest = min([lowest, *found])
        axes.set_title(model, loc="left", fontweight="bold")
        axes.set(xlabel="Epoch", ylabel="Accuracy")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.xaxis.set_minor_locator(NullLocator())
    for axes in grid.flat:
        axes.set_ylim(lowest - 0.05 * (1.0 - lowest), 1.0)
    return figure, (
        "On training batches, with dropout and augmentation at work (dashed), and on the validation fold (solid), a "
        "line of each for each member of an ensemble. The table of trainings has all networks."
    )


def importances(inputs: ReportInputs) -> Figure:
    """Importances of the leading features of the tree models, called by their meaning."""
    return training_figures.importances(inputs, meaning_of)
