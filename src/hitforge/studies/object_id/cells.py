"""Images from lists of cells."""

from __future__ import annotations

from typing import Final

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from hitforge.studies.object_id.image import ImageSettings, wrapped
from hitforge.studies.object_id.objects import CHANNELS

CELL_BRANCHES: Final = ("cell_eta", "cell_phi", "cell_et", "cell_layer")
"""Branches of the layout ``cells``: detector eta and phi, transverse energy in GeV, and channel (0 EM, 1 HAD)."""


def images_of(
    cells: dict[str, ak.Array], eta: NDArray[np.floating], phi: NDArray[np.floating], image: ImageSettings
) -> NDArray[np.float32]:
    """Return images around axes, shape (N, 2, H, W), in GeV.

    Parameters
    ----------
    cells : mapping of name to jagged array, N lists
        The branches of :data:`CELL_BRANCHES`; all lists of an object have the same length.
    eta, phi : ndarray, shape (N,)
        Axes. Distances in phi are wrapped; a cell outside the window is left out.
    """
    counts = ak.to_numpy(ak.num(cells["cell_et"]))
    owner = np.repeat(np.arange(len(counts)), counts)
    flat = {name: ak.to_numpy(ak.flatten(values)).astype(np.float64) for name, values in cells.items()}
    place = image.cell_of(flat["cell_eta"] - eta[owner], wrapped(flat["cell_phi"] - phi[owner]))
    layer = flat["cell_layer"].astype(np.int64)
    inside = place >= 0
    index = (owner * len(CHANNELS) + layer) * image.n_cells + place
    n_total = len(counts) * len(CHANNELS) * image.n_cells
    filled = np.bincount(index[inside], flat["cell_et"][inside], n_total)
    return filled.reshape(len(counts), *image.shape).astype(np.float32)
