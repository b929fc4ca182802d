"""Figures of the data and of the training: kinematics, accuracy against epochs."""

from __future__ import annotations

import numpy as np

from hitforge.reporting import training_figures
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.history import load_histories
from hitforge.reporting.plotting import data_label, figure_of, panels_for
from hitforge.reporting.style import COLOURS, label, new_figure
from hitforge.studies.object_id.data.objects import CLASS_NAMES
from hitforge.studies.object_id.data.stored import StoredObjects
from hitforge.studies.object_id.report.data_tables import accuracy_by_epoch
from hitforge.studies.object_id.report.image_figures import NO_OBJECTS, Drawn
from hitforge.studies.object_id.report.meanings import meaning_of
from hitforge.studies.object_id.report.view import networks_of, train_objects


@figure_of("Transverse momentum and direction of each class", train_objects, NO_OBJECTS)
def kinematics(inputs: ReportInputs, objects: StoredObjects) -> Drawn:
    """pT and eta of each class: what the matching is about."""
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
        axes.set(xlabel=text, ylabel="Fraction / bin")
    panels[0].set_yscale("log")
    panels[2].set_yscale("log")
    panels[1].set_ylim(bottom=0.0)
    panels[0].legend()
    label(panels[0], data_label(inputs, inputs.train_sample), f"{len(objects)} objects")
    return figure, (
        "Each class normalised to one. Where the spectra of pT differ, a model can tell classes apart without looking "
        "at a shower; the matched numbers of the tables weigh them to one spectrum."
    )


@figure_of("Accuracy against epochs", networks_of, "no network is among the reported models")
def accuracy_history(inputs: ReportInputs, networks: list[str]) -> Drawn:
    """Accuracy against epochs, in training and on the validation fold, a panel for each network."""
    figure, grid = panels_for(networks, 3, (4.3, 3.3), (0.0, 0.3), alone=6.0)
    for axes, model in zip(grid.flat, networks, strict=False):
        for history in load_histories(inputs.manifests[model], inputs.manifest_of[model]):
            colour = COLOURS[history.member % len(COLOURS)]
            for key, style in (("train_accuracy", "--"), ("validation_accuracy", "-")):
                found = accuracy_by_epoch(inputs, model, history.member, key)
                axes.plot(np.arange(1, len(found) + 1), found, style, color=colour, linewidth=1.2)
        axes.set_title(model, loc="left", fontweight="bold")
        axes.set(xlabel="Epoch", ylabel="Accuracy", ylim=(0.0, 1.0))
    return figure, (
        "On training batches, with dropout and augmentation at work (dashed), and on the validation fold (solid); each "
        "member of an ensemble has a colour."
    )


def importances(inputs: ReportInputs) -> Figure:
    """Importances of the leading features of the tree models, called by their meaning."""
    return training_figures.importances(inputs, meaning_of)
